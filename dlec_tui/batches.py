"""The batch list: plans that are merged in one batch, their outputs and the disk space they need."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span, elided, padded
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import DlecError, escaped, machine_error, shown
from engine.jobs.batch import (
    DiskUse,
    PlannedMerge,
    Target,
    conflicts,
    disk_use,
    planned_merge,
    shortage,
    target_of,
    unfinished_merges,
)
from engine.jobs.job_specs import NamedPlan, merge_spec
from engine.merge.draft import MergeOptions
from engine.store.jobs import JobSpec
from engine.units import byte_size, plural


@dataclass(frozen=True, slots=True)
class BatchMarks:
    """State of the list. Every change returns a new one."""

    plans: tuple[Path, ...] = ()
    """Absolute paths without duplicates, in merge order."""
    out: Path | None = None
    """Absolute output directory; None for the directory of the first plan."""

    @property
    def directory(self) -> Path:
        return self.out or (self.plans[0].parent if self.plans else Path.cwd())

    @property
    def targets(self) -> list[Target]:
        return [target_of(plan, self.directory) for plan in self.plans]

    def added(self, plans: Iterable[Path]) -> "BatchMarks":
        """Add plans at the end; known plans keep their position."""
        return replace(self, plans=tuple(dict.fromkeys((*self.plans, *(plan.absolute() for plan in plans)))))

    def without(self, plan: Path) -> "BatchMarks":
        return replace(self, plans=tuple(other for other in self.plans if other != plan))

    def moved(self, plan: Path, by: int) -> "BatchMarks":
        """Move a plan, at most to either end."""
        at = self.plans.index(plan)
        others = [other for other in self.plans if other != plan]
        others.insert(max(0, min(at + by, len(others))), plan)
        return replace(self, plans=tuple(others))

    def into(self, directory: Path) -> "BatchMarks":
        return replace(self, out=directory.absolute())

    def as_data(self) -> dict[str, Any]:
        """Data for JSON."""
        return {"plans": list(map(str, self.plans)), "out": str(self.out) if self.out else None}


def marks_from(data: dict[str, Any]) -> BatchMarks:
    """Batch list from `as_data`. Raises KeyError or TypeError for other data."""
    return BatchMarks(tuple(map(Path, data["plans"])), Path(data["out"]) if data["out"] else None)


@dataclass(frozen=True)
class Batch:
    """Result of checking all plans of a batch."""

    merges: list[PlannedMerge]
    """Merges of the valid plans."""
    refused: Mapping[Path, DlecError]
    """Refused plans with their errors."""
    use: DiskUse
    between: list[DlecError]
    """Conflicts between outputs, existing outputs, and lack of disk space."""

    @property
    def problems(self) -> list[DlecError]:
        """Errors that block the batch; empty if it can be queued."""
        return [*self.refused.values(), *self.between]


def planned_batch(
    targets: Sequence[Target],
    directory: Path,
    options: MergeOptions,
    store: Path,
    open_checkpoint: Callable[[str], Checkpoint],
    read: Callable[[Path], NamedPlan],
) -> Batch:
    """directory: where the outputs go; read: gives the plan in a file, or raises DlecError.

    Raises MachineError where the store or the disk cannot be read.
    """
    merges, refused = list[PlannedMerge](), dict[Path, DlecError]()
    for target in targets:
        try:
            merges.append(planned_merge(target, read(target.plan), options))
        except DlecError as error:
            refused[target.plan] = error
    unfinished = unfinished_merges(store)
    try:
        use = disk_use(directory, merges, unfinished, open_checkpoint)
    except OSError as error:
        raise machine_error(f"{shown(directory)} cannot be looked at", error) from error
    return Batch(merges, refused, use, [*conflicts(targets, unfinished), *shortage(use)])


def specs_of(merges: Sequence[PlannedMerge], options: MergeOptions, batch: str, priority: int = 0) -> Iterator[JobSpec]:
    """Job specs of the merges, each checkpoint fingerprinted once. batch: name that they share."""
    fingerprint_of = functools.cache(fingerprint)
    for merge in merges:
        spec = merge_spec(merge.plan, merge.target.out, options, fingerprint_of=fingerprint_of)
        yield replace(spec, batch=batch, priority=priority)


def disk_line(batch: Batch) -> str:
    """Required and available disk space."""
    use = batch.use
    needed = f"{plural(len(batch.merges), 'merge')}: {byte_size(use.batch)} needed"
    queued = f", {byte_size(use.queued)} more for queued merges" if use.queued else ""
    return f"{needed}{queued}; {byte_size(use.free)} free in {shown(use.directory)}"


_FIGURES = 19
"""Columns for layers and size."""
_GAP = "  "


@dataclass(frozen=True)
class BatchItem:
    """A plan on the list."""

    target: Target
    merge: PlannedMerge | None
    """Planned merge; None before the check, and for a refused plan."""
    error: DlecError | None


def batch_items(targets: list[Target], batch: Batch | None) -> list[BatchItem]:
    """Items of the list. batch: None before the check."""
    merges = {merge.target: merge for merge in batch.merges} if batch else {}
    refused = batch.refused if batch else {}
    return [BatchItem(target, merges.get(target), refused.get(target.plan)) for target in targets]


def batch_line(item: BatchItem, number: int, width: int) -> list[Span]:
    """Line of an item. number: position, from 1."""
    names = width - _FIGURES - 2 * len(_GAP) - 4
    name = f"{number:>2}{_GAP}{padded(elided(escaped(item.target.plan.name), max(12, names)), names)}{_GAP}"
    if item.error is not None:
        return [(name, ""), (f"{GLYPHS.error} cannot be merged", "bad")]
    return [(name, ""), (_figures(item.merge) if item.merge else "", "dim")]


def batch_summary(batch: Batch | None) -> list[Span]:
    """Disk space that the batch needs, and everything that blocks it."""
    if batch is None:
        return [("checking the plans", "dim")]
    lines: list[Span] = [(disk_line(batch), "")]
    for problem in batch.problems:
        lines.append((f"{GLYPHS.error} {escaped(problem.line)}", "bad"))
        if problem.fix:
            lines.append((escaped(problem.fix), "dim"))
    ready = f"{GLYPHS.done} ready: press b to queue {plural(len(batch.merges), 'merge')}"
    return lines if batch.problems else [*lines, (ready, "good")]


def _figures(merge: PlannedMerge) -> str:
    return f"{len(merge.plan.stack.visits):>4} layers {byte_size(merge.draft.layout.nbytes):>7}"
