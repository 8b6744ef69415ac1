"""Slots, and what fits on them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.jobs.slots import Slot, fits, parse_slot, parse_wanted

slots = st.builds(lambda devices: Slot(tuple(sorted(devices))), st.sets(st.integers(0, 999), max_size=12))


@pytest.mark.parametrize(
    ("text", "slot", "spelling"),
    [
        ("cpu", Slot(), "cpu"),
        ("cuda:1", Slot((1,)), "cuda:1"),
        ("cuda:0-3", Slot((0, 1, 2, 3)), "cuda:0-3"),
        ("cuda:2,0", Slot((0, 2)), "cuda:0,2"),
        ("cuda:0,1,2,5-6", Slot((0, 1, 2, 5, 6)), "cuda:0-2,5-6"),
        ("cuda:1,1", Slot((1,)), "cuda:1"),
    ],
)
def test_a_slot_has_one_spelling_and_is_understood_in_others(text: str, slot: Slot, spelling: str) -> None:
    assert parse_slot(text) == slot
    assert str(slot) == spelling


@given(slots)
def test_every_slot_is_read_back_as_it_is_written(slot: Slot) -> None:
    assert parse_slot(str(slot)) == slot


@pytest.mark.parametrize(
    "text",
    ["", "cuda", "gpu:0", "cuda:", "cuda:-1", "cuda:3-1", "cuda:1,", "cuda:1-2-3", "cpu:0", "cuda:1\n", "cuda:¹"],
)
def test_what_is_no_slot_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid slot") as caught:
        parse_slot(text)
    assert "cuda:0-3" in caught.value.fix


def test_a_job_may_want_any_gpu_or_one_slot() -> None:
    assert [parse_wanted(text) for text in ("cuda", "cpu", "cuda:3,2,1")] == ["cuda", "cpu", "cuda:1-3"]
    with pytest.raises(UsageError):
        parse_wanted("gpu")


@given(slots, slots)
def test_a_job_that_wants_a_slot_runs_there_and_nowhere_else(wanted: Slot, slot: Slot) -> None:
    assert fits(str(wanted), slot) is (wanted == slot)


@given(slots)
def test_a_job_that_wants_a_gpu_takes_any_and_no_cpu(slot: Slot) -> None:
    assert fits("cuda", slot) is (slot != Slot())
