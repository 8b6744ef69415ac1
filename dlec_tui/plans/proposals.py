"""Plans that jobs have proposed."""

from typing import TYPE_CHECKING

from dlec_tui.jobs.plan_text import PROPOSING
from dlec_tui.jobs.task_results import verdict
from engine.store.job_states import Done
from engine.store.jobs import Job

if TYPE_CHECKING:
    from dlec_tui.jobs.stored import StoredJobs

_MOST = 5


def proposals(jobs: "StoredJobs | None") -> list[tuple[Job, str]]:
    """The newest ones, each with what it is, in a line."""
    ended = [
        stored.job
        for stored in (jobs.jobs if jobs else ())
        if stored.job.spec.task in PROPOSING and isinstance(stored.job.state, Done)
    ]
    return [(job, _about(job)) for job in sorted(ended, key=lambda job: -job.id)[:_MOST]]


def plan_of(job: Job) -> str:
    """Its text."""
    assert isinstance(job.state, Done)
    return str(job.state.result["plan"])


def _about(job: Job) -> str:
    """Its title, and its judgement where there is one."""
    assert isinstance(job.state, Done)
    judged = job.state.result.get("heldout")
    return f"{job.spec.title}: {verdict(judged)}" if judged else job.spec.title
