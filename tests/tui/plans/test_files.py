"""Names and patterns that plans are read from."""

import os
from pathlib import Path

import pytest

from dlec_tui.plans.files import plan_files
from engine.errors import DlecError, UsageError
from engine.files import expanded
from engine.plan.plan_file import plan_text_of


def test_a_home_that_nobody_has_is_refused_with_its_name() -> None:
    with pytest.raises(UsageError, match="there is no user nobody-has-this-name"):
        expanded("~nobody-has-this-name/x")


def test_other_paths_are_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert expanded("~/x") == Path("/somewhere/x")
    assert expanded("org/name") == Path("org/name")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ".", "none.yaml", "fifo"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A FIFO would keep whoever reads it waiting for ever."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    with pytest.raises(DlecError):
        plan_text_of(Path(name))
    assert plan_files(name) == []
