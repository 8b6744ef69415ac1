"""Which job is next, and why the others wait."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.scheduling import next_job, why_waiting
from engine.jobs.slots import Slot, fits
from engine.store.job_states import Waiting
from engine.store.jobs import Job, JobSpec

CPU, FIRST, SECOND, BOTH = Slot(), Slot((0,)), Slot((1,)), Slot((0, 1))


def waiting(*wanted: str) -> list[Job]:
    """Jobs in the order of the queue, by what they want."""
    submitted_at = datetime(2026, 1, 2, tzinfo=UTC)
    return [
        Job(number, f"{number:032x}", submitted_at, 0, JobSpec("profile", {}, "", {}, slot), Waiting())
        for number, slot in enumerate(wanted, start=1)
    ]


@pytest.mark.parametrize(
    ("wanted", "slot", "chosen"),
    [
        ((), CPU, None),
        (("cpu", "cpu"), CPU, 1),
        (("cuda", "cpu"), CPU, 2),
        (("cpu", "cuda"), SECOND, 2),
        (("cuda:0", "cuda:1"), SECOND, 2),
        (("cuda:0-1",), FIRST, None),
        (("cuda:0", "cuda:0-1"), BOTH, 2),
        (("cuda:1",), CPU, None),
    ],
)
def test_the_first_that_fits_is_next(wanted: tuple[str, ...], slot: Slot, chosen: int | None) -> None:
    job = next_job(waiting(*wanted), slot)
    assert (job and job.id) == chosen


@pytest.mark.parametrize(
    ("wanted", "workers", "why"),
    [
        (("cpu",), (CPU,), "next"),
        (("cpu", "cpu"), (CPU,), "1 job ahead"),
        (("cpu", "cpu", "cpu"), (CPU,), "2 jobs ahead"),
        (("cuda:0", "cpu"), (CPU,), "next"),
        (("cpu",), (), "no worker for cpu is running: dlec jobs start"),
        (("cuda",), (CPU,), "no worker for cuda is running: dlec jobs start"),
        (("cuda",), (SECOND,), "next"),
        (("cuda:5",), (CPU, FIRST), "no slot cuda:5 on this host, only cpu, cuda:0, cuda:1"),
    ],
)
def test_the_last_one_waits_for_a_reason(wanted: tuple[str, ...], workers: tuple[Slot, ...], why: str) -> None:
    jobs = waiting(*wanted)
    assert why_waiting(jobs[-1], jobs, (CPU, FIRST, SECOND), workers) == why


def test_a_worker_of_a_slot_that_is_not_configured_is_one_all_the_same() -> None:
    (job,) = waiting("cuda:0-1")
    assert why_waiting(job, [job], (CPU,), (BOTH,)) == "next"


@given(st.lists(st.sampled_from(["cpu", "cuda", "cuda:0", "cuda:1"])), st.sampled_from([CPU, FIRST, SECOND]))
def test_whoever_is_next_fits_and_nobody_before_does(wanted: list[str], slot: Slot) -> None:
    jobs = waiting(*wanted)
    chosen = next_job(jobs, slot)
    before = jobs if chosen is None else jobs[: jobs.index(chosen)]
    assert not any(fits(job.spec.slot, slot) for job in before)
    assert chosen is None or fits(chosen.spec.slot, slot)
