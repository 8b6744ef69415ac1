"""Batches: merges of several plans that are checked together, and for disk space, before any of them is queued."""

import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import DiskFullError, DlecError, UsageError, machine_error, shown
from engine.jobs.job_specs import WORKING_DIRECTORY, NamedPlan
from engine.machine.disk import free_bytes
from engine.merge.draft import Draft, MergeOptions, drafted, refuse_sources_as_output
from engine.merge.layout import MAX_SHARD_SIZE, lay_out
from engine.merge.partial import partial_of
from engine.merge.publish import check_output
from engine.merge.space import missing_bytes
from engine.plan.check import check_plan
from engine.plan.outputs import output_tensors
from engine.store.database import open_for_reading
from engine.store.job_states import Held, Running, Waiting
from engine.store.jobs import Job, jobs_in
from engine.tasks.specs import spec_of
from engine.units import byte_size

_PLAN_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Target:
    """A plan's file and the output of its merge, as the user named them."""

    plan: Path
    out: Path

    @property
    def place(self) -> Path:
        """Absolute path of the output, with links resolved."""
        return partial_of(self.out).out


@dataclass(frozen=True)
class PlannedMerge:
    """A merge of a batch, with everything that is known before it runs."""

    target: Target
    plan: NamedPlan
    draft: Draft


def batch_id(moment: datetime) -> str:
    """Return a unique name for a batch: "20260401-233000-9f3a"."""
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def target_of(plan: Path, directory: Path) -> Target:
    return Target(plan, directory / output_name(plan))


def output_name(plan: Path) -> str:
    """Return the name of a plan's file without .yaml, or the whole name if nothing else is left."""
    is_named = plan.suffix in _PLAN_SUFFIXES and plan.stem.strip(".")
    return plan.stem if is_named else plan.name


def planned_merge(target: Target, plan: NamedPlan, options: MergeOptions) -> PlannedMerge:
    """Draft a merge. Raises CheckpointError, PlanError, UsageError or MachineError if it cannot be run."""
    draft = drafted(plan.stack, plan.text, target.out, options)
    refuse_sources_as_output(draft, partial_of(target.out))
    return PlannedMerge(target, plan, draft)


def unfinished_merges(store: Path) -> list[Job]:
    """Return the merges that are waiting, held or running. Raises MachineError if the store cannot be read."""
    with closing(open_for_reading(store)) as connection:
        return [job for job in jobs_in(connection, Waiting, Held, Running) if spec_of(job.spec.task).writes_checkpoint]


def output_of(job: Job) -> Path:
    """Return the output of a merge, with links resolved."""
    return partial_of(Path(job.spec.request["out"])).out


def conflicts(targets: Sequence[Target], unfinished: Iterable[Job]) -> Iterator[DlecError]:
    """Yield errors for outputs that several plans share, that exist, or that an unfinished job will write."""
    plans: dict[Path, list[Path]] = defaultdict(list)
    for target in targets:
        plans[target.place].append(target.plan)
    yield from (_shared(out, names) for out, names in plans.items() if len(names) > 1)
    yield from (problem for out in plans for problem in _in_the_way(out))
    yield from (_claimed(job) for job in unfinished if output_of(job) in plans)


def _shared(out: Path, plans: Sequence[Path]) -> UsageError:
    return UsageError(
        f"{out} would be written {len(plans)} times",
        why=f"it is the output of {', '.join(map(shown, plans))}",
        fix="Rename the plans.",
    )


def _in_the_way(out: Path) -> Iterator[DlecError]:
    """Yield an error if the output exists: a batch replaces nothing."""
    try:
        check_output(out, overwrite=False)
    except UsageError as error:
        yield UsageError(error.what, why=error.why, fix="Delete it, or remove its plan from the batch.")
    except OSError as error:
        yield machine_error(f"{out} cannot be read", error)


def _claimed(job: Job) -> UsageError:
    return UsageError(
        f"{output_of(job)} is the output of job {job.id}",
        why=f"that job is {job.state_name}: {shown(job.spec.title)}",
        fix=f"Choose another output, or cancel that job: dlec jobs cancel {job.id}",
    )


OpenCheckpoint = Callable[[str], Checkpoint]


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Disk space on the file system of a batch's outputs, in bytes."""

    directory: Path
    """Directory of the batch's outputs."""
    batch: int
    """Space that the batch needs."""
    queued: int
    """Space that unfinished earlier merges still need."""
    free: int


def disk_use(
    directory: Path, merges: Sequence[PlannedMerge], unfinished: Iterable[Job], open_checkpoint: OpenCheckpoint
) -> DiskUse:
    """Compute the disk use of a batch. Unfinished merges to other file systems are ignored."""
    device = _device(directory)
    rivals = [job for job in unfinished if _device(output_of(job)) == device]
    return DiskUse(
        directory=directory,
        batch=sum(missing_bytes(partial_of(merge.target.out), merge.draft.layout) for merge in merges),
        queued=sum(_still_needed(job, open_checkpoint) for job in rivals),
        free=free_bytes(directory),
    )


def shortage(use: DiskUse) -> Iterator[DiskFullError]:
    """Yield an error if the batch does not fit."""
    if use.batch + use.queued <= use.free:
        return
    queued = f", {byte_size(use.queued)} more by merges that are queued already" if use.queued else ""
    yield DiskFullError(
        f"the disk is too full for {use.directory}",
        why=f"{byte_size(use.batch)} are needed by the batch{queued}, and {byte_size(use.free)} are free",
        fix="Free disk space, or choose another file system.",
    )


def _still_needed(job: Job, open_checkpoint: OpenCheckpoint) -> int:
    """Bytes of shards that are not allocated yet; 0 for a plan that can no longer be run."""
    request = job.spec.request
    stack = check_plan(request["plan"], _opener_in(request.get(WORKING_DIRECTORY, ""), open_checkpoint)).stack
    if stack is None:
        return 0
    largest = request.get("options", {}).get("max_shard_size", MAX_SHARD_SIZE)
    return missing_bytes(partial_of(output_of(job)), lay_out(output_tensors(stack), largest))


def _opener_in(directory: str, open_checkpoint: OpenCheckpoint) -> OpenCheckpoint:
    """Return a function that opens references as a job in `directory` does."""

    def open_there(reference: str) -> Checkpoint:
        there = os.path.join(directory, os.path.expanduser(reference))  # noqa: PTH111, PTH118 (they never raise)
        return open_checkpoint(there if os.path.isdir(there) else reference)  # noqa: PTH112

    return open_there


def _device(path: Path) -> int:
    """Device number of the file system that holds `path`, which need not exist."""
    place = Path(os.path.realpath(path))
    return next(above for above in (place, *place.parents) if above.exists()).stat().st_dev
