"""What queued merges will still need of a disk, so that a batch is refused in the evening and not in the night."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import DiskFullError
from engine.jobs.batch import PlannedMerge, output_of
from engine.jobs.job_specs import WORKING_DIRECTORY
from engine.merge.layout import MAX_SHARD_SIZE, lay_out
from engine.merge.partial import partial_of
from engine.merge.space import free_bytes, missing_bytes
from engine.plan.check import check_plan
from engine.plan.outputs import output_tensors
from engine.store.jobs import Job
from engine.units import byte_size

OpenCheckpoint = Callable[[str], Checkpoint]


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What is asked of the file system that a batch goes to. In bytes."""

    directory: Path
    """Where the batch goes."""
    batch: int
    """What the batch needs."""
    queued: int
    """What earlier merges still need that have not ended."""
    free: int


def disk_use(
    directory: Path, merges: Sequence[PlannedMerge], unfinished: Iterable[Job], open_checkpoint: OpenCheckpoint
) -> DiskUse:
    """Unfinished merges onto other file systems do not count."""
    device = _device(directory)
    rivals = [job for job in unfinished if _device(output_of(job)) == device]
    return DiskUse(
        directory=directory,
        batch=sum(missing_bytes(partial_of(merge.target.out), merge.draft.layout) for merge in merges),
        queued=sum(_still_needed(job, open_checkpoint) for job in rivals),
        free=free_bytes(directory),
    )


def shortage(use: DiskUse) -> Iterator[DiskFullError]:
    """That the batch does not fit, with the figures."""
    if use.batch + use.queued <= use.free:
        return
    queued = f", {byte_size(use.queued)} more by merges that are queued already" if use.queued else ""
    yield DiskFullError(
        f"the disk is too full for {use.directory}",
        why=f"{byte_size(use.batch)} are needed by the batch{queued}, and {byte_size(use.free)} are free",
        fix="Make space, or choose another file system.",
    )


def _still_needed(job: Job, open_checkpoint: OpenCheckpoint) -> int:
    """Bytes of shards that have no disk space yet; 0 for a plan that cannot be run any more."""
    request = job.spec.request
    stack = check_plan(request["plan"], _opener_in(request.get(WORKING_DIRECTORY, ""), open_checkpoint)).stack
    if stack is None:
        return 0
    largest = request.get("options", {}).get("max_shard_size", MAX_SHARD_SIZE)
    return missing_bytes(partial_of(output_of(job)), lay_out(output_tensors(stack), largest))


def _opener_in(directory: str, open_checkpoint: OpenCheckpoint) -> OpenCheckpoint:
    """Opens references as the job will, which runs in `directory`."""

    def open_there(reference: str) -> Checkpoint:
        there = os.path.join(directory, os.path.expanduser(reference))  # noqa: PTH111, PTH118 (they never raise)
        return open_checkpoint(there if os.path.isdir(there) else reference)  # noqa: PTH112

    return open_there


def _device(path: Path) -> int:
    """The number of the file system that `path` lies on, or will lie on."""
    place = Path(os.path.realpath(path))
    return next(above for above in (place, *place.parents) if above.exists()).stat().st_dev
