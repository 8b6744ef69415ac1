"""Errors travel between processes as data, and arrive as what they were."""

import pytest

from engine import errors
from engine.errors import DiskFullError, DlecError
from engine.protocol import as_data, from_data


def test_an_error_arrives_as_what_it_was() -> None:
    error = from_data(as_data(DiskFullError("a", why="b", fix="c")))
    assert type(error) is DiskFullError
    assert (error.what, error.why, error.fix) == ("a", "b", "c")


@pytest.mark.parametrize("kind", ["escaped", "shown", "contained", "Path", "errno", "__name__", "NewerError", "", None])
def test_a_kind_that_is_not_known_is_a_plain_error(kind: str | None) -> None:
    """Such as one of a newer version, or the name of something else in the module of the errors."""
    error = from_data({"kind": kind, "what": "a", "why": "b", "fix": "c"})
    assert (type(error), error.line) == (DlecError, "a: b")


def test_an_error_of_which_parts_are_missing_is_one_all_the_same() -> None:
    assert isinstance(from_data({}), DlecError)


def test_every_kind_of_the_tree_is_known() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DlecError)}
    assert {type(from_data(as_data(kind("a")))) for kind in kinds} == kinds
