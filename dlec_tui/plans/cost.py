"""What a plan costs, in words that follow the typing; pure."""

from collections.abc import Iterable, Iterator
from statistics import median

from dlec_tui.plans.verdict import Verdict
from dlec_tui.wording import change
from engine.store.job_states import Done
from engine.store.jobs import Job
from engine.units import byte_size, count, duration

SHOWN_CONTEXT = 1000
"""Tokens for which the KV cache is stated."""
_LATEST = 5
"""Merges whose rate is believed."""


def merge_rate(jobs: Iterable[Job]) -> float | None:
    """Bytes a second that past merges have managed; None where there were none."""
    rates = [
        job.state.result["bytes"] / job.state.result["seconds"]
        for job in sorted(jobs, key=lambda job: job.id)
        if job.spec.task == "merge" and isinstance(job.state, Done) and _is_told(job.state)
    ]
    return median(rates[-_LATEST:]) if rates else None


def cost_parts(verdict: Verdict, rate: float | None) -> Iterator[str]:
    """rate: bytes a second; None when it is not known."""
    cost = verdict.cost
    if cost is None:
        return
    yield f"{count(cost.parameters)} parameters ({change(cost.parameters, cost.base_parameters)})"
    yield f"{byte_size(cost.nbytes)} in memory"
    if cost.kv_bytes_per_token is not None:
        yield f"KV cache {byte_size(cost.kv_bytes_per_token * SHOWN_CONTEXT)} per 1k tokens"
    if verdict.free is not None:
        yield f"disk {byte_size(cost.nbytes)} of {byte_size(verdict.free)} free"
    if rate is not None:
        yield f"a merge takes about {duration(cost.nbytes / rate)}"


def is_too_large(verdict: Verdict) -> bool:
    """Whether the disk beside the model has no room for it."""
    return verdict.cost is not None and verdict.free is not None and verdict.cost.nbytes > verdict.free


def _is_told(state: Done) -> bool:
    """Whether a merge, perhaps of another version, says how much it wrote in which time."""
    figures = (state.result.get("bytes"), state.result.get("seconds"))
    return all(isinstance(figure, int | float) and figure > 0 for figure in figures)
