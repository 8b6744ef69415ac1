"""What was measured of the very plan that is edited, and the jobs that are about it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from dlec_tui.jobs.answers import agreement, base_lines, verdict
from dlec_tui.jobs.lines import Span, note_of, state_text
from dlec_tui.jobs.stored import StoredJob, StoredJobs
from dlec_tui.wording import printable
from engine.errors import escaped, shown
from engine.store.database import open_for_reading
from engine.store.job_states import Cancelled, Done
from engine.store.previews import PreviewResult, previews_of
from engine.tasks.preview import as_answer

ABOUT_PLANS = ("preview", "generate", "merge")


def read_previews(store: Path, text: str) -> tuple[PreviewResult, ...]:
    """Those of a plan with exactly this text, the newest first. Raises MachineError where the store is unreadable."""
    if not store.exists():
        return ()
    with closing(open_for_reading(store)) as connection:
        return previews_of(connection, hashlib.sha256(text.encode()).hexdigest())


def jobs_about(jobs: StoredJobs | None, text: str) -> list[StoredJob]:
    """The newest of each task; what was cancelled says nothing."""
    if jobs is None:
        return []
    found = {
        stored.job.spec.task: stored
        for stored in sorted(jobs.jobs, key=lambda stored: stored.job.id)
        if stored.job.spec.task in ABOUT_PLANS
        and stored.job.spec.request.get("plan") == text
        and not isinstance(stored.job.state, Cancelled)
    }
    return list(found.values())


def result_lines(previews: Sequence[PreviewResult], about: Sequence[StoredJob], jobs: StoredJobs | None) -> list[Span]:
    """The verdict first."""
    lines = [line for result in previews[:2] for line in _preview_lines(result)]
    for stored in about:
        if stored.job.spec.task == "generate" and isinstance(stored.job.state, Done):
            lines += _generated_lines(stored)
        elif jobs is not None and not (previews and isinstance(stored.job.state, Done) and _is_preview(stored)):
            lines += [(f"{stored.job.spec.task}: {_state_of(stored, jobs)}", "dim")]
    return lines


def _preview_lines(result: PreviewResult) -> Iterator[Span]:
    found = as_answer(result)
    yield verdict(found), "head"
    yield from ((line, "") for line in base_lines(found))
    nll = f"NLL {result.base_nll:.4f} to {result.plan_nll:.4f}"
    on = f"{result.tokens:,} tokens in {result.sequences} sequences, {shown(result.key.dtype)}"
    yield "; ".join(filter(None, [nll, agreement(found), on])), "dim"


def _generated_lines(stored: StoredJob) -> Iterator[Span]:
    assert isinstance(stored.job.state, Done)
    yield f"continued: {escaped(str(stored.job.spec.request.get('prompt', '')))}", "dim"
    for speaker in ("base", "plan"):
        yield f"{speaker}: {printable(str(stored.job.state.result.get(speaker, '')))}", ""


def _is_preview(stored: StoredJob) -> bool:
    return stored.job.spec.task == "preview"


def _state_of(stored: StoredJob, jobs: StoredJobs) -> str:
    note = note_of(stored, jobs.moment)
    out = stored.job.spec.request.get("out")
    into = f" into {shown(out)}" if out else ""
    return f"job {stored.job.id} {state_text(stored.job.state_name)}{into}{f', {note}' if note else ''}"
