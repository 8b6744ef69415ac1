"""Tests of many cases report what single tests would."""

import pytest

from tests.cases import cases

RAN = []


@cases("number", [1, 2, 3])
@cases(("letter", "other"), [("a", "b"), pytest.param("c", "d", id="last")])
def test_every_combination_runs(number: int, letter: str, other: str, request: pytest.FixtureRequest) -> None:
    RAN.append((number, letter, other))
    assert request.node.name == "test_every_combination_runs"
    assert len(set(RAN)) == len(RAN)


def test_every_failing_case_is_listed_with_its_reason() -> None:
    @cases("number", [1, 2, 3], ids=lambda number: f"case {number}")
    def odd(number: int) -> None:
        assert number % 2, f"{number} is even"
        if number == 3:
            pytest.fail("three")

    with pytest.raises(AssertionError) as raised:
        odd()
    text = str(raised.value)
    assert "2 of 3 cases failed" in text
    assert "[case 2] AssertionError: 2 is even" in text
    assert "[case 3] Failed: three" in text
    assert "case 1" not in text


def test_a_case_with_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        cases("number", [pytest.param(1, marks=pytest.mark.stress)])
