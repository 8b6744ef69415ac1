"""Writing of a drafted checkpoint: weights, other files, checks, and finally its name."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from engine.errors import CheckpointError
from engine.files import sync_tree, write_synced
from engine.merge.card import CARD_FILE, PLAN_FILE, card_text
from engine.merge.draft import Draft
from engine.merge.integrity import SUMS_FILE, check_written, sums_text
from engine.merge.manifest import MANIFEST_FILE, manifest_text
from engine.merge.partial import Partial, keep_only
from engine.merge.publish import check_output, publish
from engine.merge.sidecars import copy_sidecars
from engine.merge.sources import check_unchanged
from engine.merge.transfer import Transfer
from engine.merge.writer import write_shards
from engine.plan.loading import Opened, judged
from engine.plan.stack import Stack
from engine.protocol import Report
from engine.tasks.header_checks import HeaderChecks
from engine.tasks.loadcheck import LoadCheck, load_check

_PATIENCE = 3600.0
"""Seconds for transformers to open sources and result by their headers: longer than any takes."""
MERGING, CHECKING = "merging", "checking that it loads"
"""Descriptions of the progress reports."""


def write_checkpoint(draft: Draft, partial: Partial, report: Report, checks: HeaderChecks) -> LoadCheck | None:
    """Write and publish what is drafted, and say what the load check found; None when none was asked for.

    The caller holds the output's lock and has recovered what was cut off; `report` counts bytes of tensors. Raises
    UsageError when the output is taken, CheckpointError for a source that changes and a result that does not load.
    """
    check_output(partial.out, overwrite=draft.options.overwrite)
    opened = checks.checked(draft.stack, _PATIENCE) if draft.options.load_check else Opened()
    inherited = _refused_unless_it_loads(draft, opened)
    seconds = _timed(lambda: _write_weights(draft, partial, report))
    _write_the_rest(draft, partial.model, seconds, inherited)
    check_written(partial.model, draft.layout, draft.stack.config_donor)
    found = _load_checked(draft, partial, report, opened) if draft.options.load_check else None
    publish(partial, draft.request, overwrite=draft.options.overwrite)
    return found


def _write_weights(draft: Draft, partial: Partial, report: Report) -> None:
    def progress(done: int, total: int) -> None:
        report(done, total, MERGING)

    transfer = Transfer(reflink=draft.options.reflink)
    write_shards(partial, draft.layout, draft.operations, draft.signature, transfer, progress)
    check_unchanged(draft.sources)


def _write_the_rest(draft: Draft, model: Path, seconds: float, inherited: tuple[str, ...]) -> None:
    keep_only(model, {shard.name for shard in draft.layout.shards})
    copy_sidecars(draft.sidecars, model)
    for name, text in _texts(draft, seconds, inherited).items():
        write_synced(model / name, text)
    if draft.options.hash_sums:
        write_synced(model / SUMS_FILE, os.fsencode(sums_text(model)))
    sync_tree(model)


def _texts(draft: Draft, seconds: float, inherited: tuple[str, ...]) -> dict[str, str]:
    """The files that are written rather than copied."""
    stack = draft.stack
    return {
        **draft.layout.texts,
        CARD_FILE: card_text(stack, draft.plan_text, draft.out.name),
        PLAN_FILE: draft.plan_text,
        MANIFEST_FILE: manifest_text(draft, seconds, inherited),
    }


def _refused_unless_it_loads(draft: Draft, opened: Opened) -> tuple[str, ...]:
    """Defects that sources and result share according to transformers, from headers alone.

    Raises CheckpointError when it would not load what is to be written.
    """
    if opened.result is None:
        return ()
    found = judged(opened.result, draft.stack, opened.sources)
    if found.is_faulty:
        raise CheckpointError(
            f"{draft.out} was not started: transformers would not load it correctly",
            why=f"{found.why}; {_of_sources(opened)}",
            fix="Nothing was written. With --no-load-check it would be.",
        )
    return found.inherited


def _load_checked(draft: Draft, partial: Partial, report: Report, opened: Opened) -> LoadCheck:
    """Raises CheckpointError when transformers does not take the result as it is."""
    nbytes = sum(operation.length for operation in draft.operations)
    report(nbytes, nbytes, CHECKING)
    found = judged(load_check(partial.model, _origins(draft.stack)), draft.stack, opened.sources)
    if found.is_faulty:
        raise CheckpointError(
            f"{partial.out} was not published: transformers does not load it correctly",
            why=f"{found.why}; {_of_sources(opened)}",
            fix=f"The files are in {partial.model}.",
        )
    return found


def _of_sources(opened: Opened) -> str:
    """Description of the sources: whether they have the same defect."""
    faulty = {checkpoint: found for checkpoint, found in opened.sources.items() if found.is_faulty}
    if faulty:
        checkpoint, found = next(iter(faulty.items()))
        return f"the source {checkpoint.reference} fails in the same way already: {found.why}"
    return "the source opens as it should" if opened.sources else "how the source opens is not known"


def _origins(stack: Stack) -> list[tuple[Path, int]]:
    """Source directory and source layer of each new layer."""
    return [(visit.checkpoint.directory, visit.layer) for visit in stack.visits]


def _timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
