"""Writing of a drafted checkpoint: weights, sidecars, checks, and publication."""

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
from engine.merge.transfer import Transfer, check_unchanged
from engine.merge.writer import write_shards
from engine.plan.source_defects import Opened, judged
from engine.plan.stack import Stack
from engine.protocol import Report
from engine.tasks.header_checks import HeaderChecks
from engine.tasks.loadcheck import LoadCheck, load_check

_PATIENCE = 3600.0
"""Timeout in seconds for transformers to open sources and result by their headers."""
MERGING, CHECKING = "merging", "checking that it loads"
"""Descriptions of progress."""


def write_checkpoint(draft: Draft, partial: Partial, report: Report, checks: HeaderChecks) -> LoadCheck | None:
    """Write and publish the drafted checkpoint; return its load check, or None if it was not requested.

    The caller holds the output's lock and has recovered an interrupted publication. `report` counts tensor bytes.
    Raises UsageError if the output exists, CheckpointError if a source changes or the result does not load.
    """
    check_output(partial.out, overwrite=draft.options.overwrite)
    opened = checks.checked(draft.stack, _PATIENCE) if draft.options.load_check else Opened()
    inherited = _refused_unless_it_loads(draft, opened)
    seconds = _timed(lambda: _write_weights(draft, partial, report))
    _write_the_rest(draft, partial.model, seconds, inherited)
    check_written(partial.model, draft.layout, draft.stack.config_donor)
    result = _load_checked(draft, partial, report, opened) if draft.options.load_check else None
    publish(partial, draft.request, overwrite=draft.options.overwrite)
    return result


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
    """Return the generated files by name."""
    stack = draft.stack
    return {
        **draft.layout.texts,
        CARD_FILE: card_text(stack, draft.plan_text, draft.out.name),
        PLAN_FILE: draft.plan_text,
        MANIFEST_FILE: manifest_text(draft, seconds, inherited),
    }


def _refused_unless_it_loads(draft: Draft, opened: Opened) -> tuple[str, ...]:
    """Check by headers that the result will load; return the findings that the sources have too.

    Raises CheckpointError if transformers would not load the result.
    """
    if opened.result is None:
        return ()
    check = judged(opened.result, draft.stack, opened.sources)
    if check.is_faulty:
        raise CheckpointError(
            f"{draft.out} was not started: transformers would not load it correctly",
            why=f"{check.why}; {_of_sources(opened)}",
            fix="Nothing was written. With --no-load-check it would be.",
        )
    return check.inherited


def _load_checked(draft: Draft, partial: Partial, report: Report, opened: Opened) -> LoadCheck:
    """Check the written result. Raises CheckpointError if transformers does not load it correctly."""
    nbytes = sum(operation.length for operation in draft.operations)
    report(nbytes, nbytes, CHECKING)
    check = judged(load_check(partial.model, _origins(draft.stack)), draft.stack, opened.sources)
    if check.is_faulty:
        raise CheckpointError(
            f"{partial.out} was not published: transformers does not load it correctly",
            why=f"{check.why}; {_of_sources(opened)}",
            fix=f"The unpublished result is in {partial.model}.",
        )
    return check


def _of_sources(opened: Opened) -> str:
    """State whether a source has the same fault."""
    faulty = {checkpoint: check for checkpoint, check in opened.sources.items() if check.is_faulty}
    if faulty:
        checkpoint, check = next(iter(faulty.items()))
        return f"the source {checkpoint.reference} fails in the same way already: {check.why}"
    return "the source opens correctly" if opened.sources else "the source was not checked"


def _origins(stack: Stack) -> list[tuple[Path, int]]:
    """Return the source directory and layer of each new layer."""
    return [(visit.checkpoint.directory, visit.layer) for visit in stack.visits]


def _timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
