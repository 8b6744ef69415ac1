"""Results for the edited plan: previews in the store, jobs of the plan, and plans suggested by jobs."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from dlec_tui.jobs.job_view import StoredJob, StoredJobs
from dlec_tui.jobs.reports import agreement, base_lines, verdict
from dlec_tui.jobs.rows import note_of, state_text
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span, printable
from engine.errors import escaped, shown
from engine.store.database import open_for_reading
from engine.store.job_states import Cancelled, Done
from engine.store.jobs import Job
from engine.store.previews import PreviewResult, previews_of
from engine.tasks.preview import as_answer
from engine.tasks.specs import Subject, spec_of


def read_previews(store: Path, text: str) -> tuple[PreviewResult, ...]:
    """Return the previews of exactly this text, newest first. Raises MachineError if the store is unreadable."""
    if not store.exists():
        return ()
    with closing(open_for_reading(store)) as connection:
        return previews_of(connection, hashlib.sha256(text.encode()).hexdigest())


def jobs_about(jobs: StoredJobs | None, text: str) -> list[StoredJob]:
    """The newest of each task; what was cancelled says nothing."""
    if jobs is None:
        return []
    newest = {
        stored.job.spec.task: stored
        for stored in sorted(jobs.jobs, key=lambda stored: stored.job.id)
        if spec_of(stored.job.spec.task).subject is Subject.PLAN
        and stored.job.spec.request.get("plan") == text
        and not isinstance(stored.job.state, Cancelled)
    }
    return list(newest.values())


def result_lines(
    previews: Sequence[PreviewResult], plan_jobs: Sequence[StoredJob], jobs: StoredJobs | None
) -> list[Span]:
    """The verdict first."""
    lines = [line for result in previews[:2] for line in _preview_lines(result)]
    for stored in plan_jobs:
        if stored.job.spec.task == "generate" and isinstance(stored.job.state, Done):
            lines += _generated_lines(stored)
        elif jobs is not None and not (previews and isinstance(stored.job.state, Done) and _is_preview(stored)):
            lines += [(f"{stored.job.spec.task}: {_state_of(stored, jobs)}", "dim")]
    return lines


def _preview_lines(result: PreviewResult) -> Iterator[Span]:
    answer = as_answer(result)
    yield verdict(answer), "head"
    yield from ((line, "") for line in base_lines(answer))
    nll = f"NLL {result.base_nll:.4f} {GLYPHS.arrow} {result.plan_nll:.4f}"
    on = f"{result.tokens:,} tokens in {result.sequences} sequences, {shown(result.key.dtype)}"
    yield "; ".join(filter(None, [nll, agreement(answer), on])), "dim"


def _generated_lines(stored: StoredJob) -> Iterator[Span]:
    assert isinstance(stored.job.state, Done)
    yield f"prompt: {escaped(str(stored.job.spec.request.get('prompt', '')))}", "dim"
    for speaker in ("base", "plan"):
        yield f"{speaker}: {printable(str(stored.job.state.result.get(speaker, '')))}", ""


def _is_preview(stored: StoredJob) -> bool:
    return stored.job.spec.task == "preview"


def _state_of(stored: StoredJob, jobs: StoredJobs) -> str:
    note = note_of(stored, jobs.moment)
    out = stored.job.spec.request.get("out")
    into = f" into {shown(out)}" if out else ""
    return f"job {stored.job.id} {state_text(stored.job.state_name)}{into}{f', {note}' if note else ''}"


_MOST_PROPOSALS = 5


def proposals(jobs: "StoredJobs | None") -> list[tuple[Job, str]]:
    """The newest ones, each with what it is, in a line."""
    ended = [
        stored.job
        for stored in (jobs.jobs if jobs else ())
        if spec_of(stored.job.spec.task).proposes_plan and isinstance(stored.job.state, Done)
    ]
    return [(job, _proposal_summary(job)) for job in sorted(ended, key=lambda job: -job.id)[:_MOST_PROPOSALS]]


def plan_of(job: Job) -> str:
    """Its text."""
    assert isinstance(job.state, Done)
    return str(job.state.result["plan"])


def _proposal_summary(job: Job) -> str:
    """Its title, and its judgement where there is one."""
    assert isinstance(job.state, Done)
    judged = job.state.result.get("heldout")
    return f"{job.spec.title}: {verdict(judged)}" if judged else job.spec.title
