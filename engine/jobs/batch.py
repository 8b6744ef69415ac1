"""A batch: merges of several plans that are looked over together before any of them is queued."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import DlecError, UsageError, machine_error, shown
from engine.jobs.job_specs import NamedPlan
from engine.merge.partial import partial_of
from engine.merge.publish import check_output
from engine.store.database import open_for_reading
from engine.store.job_states import Held, Running, Waiting
from engine.store.jobs import Job, jobs_in
from engine.tasks.merge_draft import Draft, MergeOptions, drafted, refuse_sources_as_output

_PLAN_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Target:
    """A plan's file, and where its merge is to go, both as the user knows them."""

    plan: Path
    out: Path

    @property
    def place(self) -> Path:
        """Where that is, links resolved."""
        return partial_of(self.out).out


@dataclass(frozen=True)
class PlannedMerge:
    """A merge of a batch, and everything that is known of it beforehand."""

    target: Target
    plan: NamedPlan
    draft: Draft


def batch_id(moment: datetime) -> str:
    """A name that no other batch has: "20260401-233000-9f3a"."""
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def target_of(plan: Path, directory: Path) -> Target:
    return Target(plan, directory / output_name(plan))


def output_name(plan: Path) -> str:
    """The name of a plan's file without .yaml; the whole of it where no name would be left."""
    is_named = plan.suffix in _PLAN_SUFFIXES and plan.stem.strip(".")
    return plan.stem if is_named else plan.name


def planned_merge(target: Target, plan: NamedPlan, options: MergeOptions) -> PlannedMerge:
    """Raises CheckpointError, PlanError, UsageError or MachineError for what cannot be merged."""
    draft = drafted(plan.stack, plan.text, target.out, options)
    refuse_sources_as_output(draft, partial_of(target.out))
    return PlannedMerge(target, plan, draft)


def unfinished_merges(store: Path) -> list[Job]:
    """The merges that wait, are held or run. Raises MachineError where the store cannot be read."""
    with closing(open_for_reading(store)) as connection:
        return [job for job in jobs_in(connection, Waiting, Held, Running) if job.spec.task == "merge"]


def output_of(job: Job) -> Path:
    """Where a merge writes to, links resolved."""
    return partial_of(Path(job.spec.request["out"])).out


def conflicts(targets: Sequence[Target], unfinished: Iterable[Job]) -> Iterator[DlecError]:
    """Outputs that several plans of the batch have, that exist, and that an unfinished job will write."""
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
        fix="Give the plans other names.",
    )


def _in_the_way(out: Path) -> Iterator[DlecError]:
    """What is at the output already: a batch replaces nothing."""
    try:
        check_output(out, overwrite=False)
    except UsageError as error:
        yield UsageError(error.what, why=error.why, fix="Remove it, or leave its plan out of the batch.")
    except OSError as error:
        yield machine_error(f"{out} cannot be looked at", error)


def _claimed(job: Job) -> UsageError:
    return UsageError(
        f"{output_of(job)} is the output of job {job.id}",
        why=f"which is {job.state_name}: {shown(job.spec.title)}",
        fix=f"Choose another output, or end that job: dlec jobs cancel {job.id}",
    )
