"""Many small cases as one test: collecting a test for each costs more than running it."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]


def cases(
    names: str | Sequence[str],
    values: Iterable[Any],
    ids: Iterable[object] | Callable[[Any], object] | None = None,
) -> Callable[[Test], Test]:
    """Run a test once for each case, as `pytest.mark.parametrize` does, and list all cases that fail.

    The cases share the test's fixtures: a case that writes needs a test of its own.
    """
    parameters = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    listed = list(values)
    given = [_arguments(case, len(parameters)) for case in listed]
    labels = [*map(ids, listed)] if callable(ids) else [*ids] if ids is not None else [_label(case) for case in listed]

    def decorated(test: Test) -> Test:
        @wraps(test)
        def every_case(**fixtures: Any) -> None:
            failures = [
                (label, error)
                for label, values in zip(labels, given, strict=True)
                if (error := _error_of(test, {**fixtures, **dict(zip(parameters, values, strict=True))}))
            ]
            if failures:
                raise AssertionError("\n\n".join(_lines(failures, len(listed)))) from failures[0][1]

        signature = inspect.signature(test)
        kept = [value for name, value in signature.parameters.items() if name not in parameters]
        every_case.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return every_case

    return decorated


def _arguments(case: Any, count: int) -> Sequence[Any]:
    if isinstance(case, type(pytest.param())):
        if case.marks:
            raise ValueError("a case with marks needs `pytest.mark.parametrize`")
        return case.values
    return [case] if count == 1 else case


def _label(case: Any) -> object:
    return case.id if isinstance(case, type(pytest.param())) and case.id else case


def _error_of(test: Test, arguments: dict[str, Any]) -> BaseException | None:
    try:
        test(**arguments)
    except (Exception, pytest.fail.Exception) as error:
        return error
    return None


def _lines(failures: Sequence[tuple[object, BaseException]], count: int) -> Iterator[str]:
    yield f"{len(failures)} of {count} cases failed"
    yield from (f"[{label!s:.100}] {type(error).__name__}: {error}" for label, error in failures)
