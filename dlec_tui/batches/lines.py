"""The batch list as lines; pure."""

from dataclasses import dataclass

from dlec_tui.batches.planning import Batch, disk_line
from dlec_tui.jobs.lines import Span
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import elided, padded
from engine.errors import DlecError, escaped
from engine.jobs.batch import PlannedMerge, Target
from engine.units import byte_size

_FIGURES = 19
"""Columns for layers and size."""
_GAP = "  "


@dataclass(frozen=True)
class BatchItem:
    """A plan on the list."""

    target: Target
    merge: PlannedMerge | None
    """None while it was not looked at, and when it cannot be merged."""
    error: DlecError | None


def batch_items(targets: list[Target], found: Batch | None) -> list[BatchItem]:
    """found: None until the plans were looked over."""
    merges = {merge.target: merge for merge in found.merges} if found else {}
    refused = found.refused if found else {}
    return [BatchItem(target, merges.get(target), refused.get(target.plan)) for target in targets]


def batch_line(item: BatchItem, number: int, width: int) -> list[Span]:
    """number: its place in the order, from 1."""
    names = width - _FIGURES - 2 * len(_GAP) - 4
    name = f"{number:>2}{_GAP}{padded(elided(escaped(item.target.plan.name), max(12, names)), names)}{_GAP}"
    if item.error is not None:
        return [(name, ""), (f"{GLYPHS.error} cannot be merged", "bad")]
    return [(name, ""), (_figures(item.merge) if item.merge else "", "dim")]


def batch_summary(found: Batch | None) -> list[Span]:
    """What the list takes of the disk, and everything that forbids running it."""
    if found is None:
        return [("looking at the plans", "dim")]
    lines: list[Span] = [(disk_line(found), "")]
    for problem in found.problems:
        lines.append((f"{GLYPHS.error} {escaped(problem.line)}", "bad"))
        if problem.fix:
            lines.append((escaped(problem.fix), "dim"))
    return lines if found.problems else [*lines, (f"{GLYPHS.done} nothing forbids it: b runs it", "good")]


def _figures(merge: PlannedMerge) -> str:
    return f"{len(merge.plan.stack.visits):>4} layers {byte_size(merge.draft.layout.nbytes):>7}"
