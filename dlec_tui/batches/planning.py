"""Looks over the plans of a batch together: what would be written, what that takes, and what forbids it."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import DlecError, machine_error, shown
from engine.jobs.batch import (
    DiskUse,
    PlannedMerge,
    Target,
    conflicts,
    disk_use,
    planned_merge,
    shortage,
    unfinished_merges,
)
from engine.jobs.job_specs import NamedPlan, merge_spec
from engine.store.jobs import JobSpec
from engine.tasks.merge_draft import MergeOptions
from engine.units import byte_size, plural


@dataclass(frozen=True)
class Batch:
    """Plans that were looked over together."""

    merges: list[PlannedMerge]
    """Of the plans that can be merged."""
    refused: Mapping[Path, DlecError]
    """The other plans, each with its reason."""
    use: DiskUse
    between: list[DlecError]
    """What stands between them, or between them and the machine: outputs that exist, a disk that is too full."""

    @property
    def problems(self) -> list[DlecError]:
        """Why the batch is not queued; empty when it can be."""
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
    """Each checkpoint is looked at once, however many plans take from it. batch: the name that they share."""
    fingerprint_of = functools.cache(fingerprint)
    for merge in merges:
        spec = merge_spec(merge.plan, merge.target.out, options, fingerprint_of=fingerprint_of)
        yield replace(spec, batch=batch, priority=priority)


def disk_line(found: Batch) -> str:
    """What is needed against what there is."""
    use = found.use
    needed = f"{plural(len(found.merges), 'merge')}: {byte_size(use.batch)} needed"
    queued = f", {byte_size(use.queued)} more by merges that are queued already" if use.queued else ""
    return f"{needed}{queued}; {byte_size(use.free)} free in {shown(use.directory)}"
