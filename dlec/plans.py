"""Plans: check them, load them as virtual models, merge them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from dlec.results import Check, Merge, Problem
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from engine.merge.layout import MAX_SHARD_SIZE
from engine.plan import problems as plan_problems
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.cost import cost_of
from engine.plan.patches import open_patches
from engine.plan.plan_file import plan_text
from engine.plan.rules import CheckContext
from engine.tasks.loadcheck import LoadCheck

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PlanLike: TypeAlias = str | os.PathLike[str]
"""Path of a plan file, or the text of a plan: any string with a line break."""

PathLike: TypeAlias = str | os.PathLike[str]


def check(plan: PlanLike, *, patches: Sequence[PathLike] = (), download_headers: bool = False) -> Check:
    """Check a plan against the headers of its checkpoints; no weights are read.

    patches: safetensors files whose tensors, named as in the new model, replace those of the plan; the last one wins.
    download_headers: read the headers of checkpoints that are not on this machine from the hub.
    Raises PlanError or MachineError for a file that cannot be read. Problems of the plan are returned, not raised.
    """
    checked = _checked(plan, patches, opener(remote=download_headers))
    cost = cost_of(checked.stack) if checked.stack and checked.ok else None
    return Check(
        ok=checked.ok,
        problems=tuple(map(_problem, checked.problems)),
        layers=cost.layers if cost else None,
        parameters=cost.parameters if cost else None,
        nbytes=cost.nbytes if cost else None,
    )


def load(
    plan: PlanLike, *, patches: Sequence[PathLike] = (), dtype: str = "auto", device: str = "cpu"
) -> "PreTrainedModel":
    """Return the model that merging the plan would produce, without merging it.

    The model is an ordinary transformers model in eval mode. Repeated layers share the memory of the base's weights, so
    training in place changes every copy of a layer. dtype: name of a torch dtype, or "auto" for the dtype of the merged
    checkpoint.

    Raises PlanError for a plan with errors, CheckpointError or MachineError if a checkpoint cannot be opened.
    """
    from engine.inference import virtual

    model: PreTrainedModel = virtual.load(_checked(plan, patches, opener()).require_stack(), dtype=dtype, device=device)
    return model


def merge(
    plan: PlanLike,
    out: PathLike,
    *,
    patches: Sequence[PathLike] = (),
    max_shard_size: int = MAX_SHARD_SIZE,
    overwrite: bool = False,
    hash_sums: bool = False,
    load_check: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Merge:
    """Write the checkpoint that the plan describes to the directory `out`, atomically.

    An interrupted merge continues where it stopped when it is called again with the same arguments.

    max_shard_size: bytes per shard. overwrite: replace a model directory at `out`. hash_sums: write SHA256SUMS.
    load_check: open the result with transformers, in a separate process, before it is moved to `out`. progress: called
    with the number of bytes written and in total.
    Raises PlanError for a plan with errors, CheckpointError for a source that is missing, broken or changing,
    MachineError for disk, permissions or a missing library.
    """
    from engine.tasks.merge import MergeOptions
    from engine.tasks.merge import merge as run_merge

    options = MergeOptions(max_shard_size, hash_sums=hash_sums, overwrite=overwrite, load_check=load_check)
    checked = _checked(plan, patches, opener())
    report = run_merge(checked.require_stack(), checked.text, Path(out), options, progress or _ignored)
    return Merge(
        out=report.out,
        nbytes=report.nbytes,
        seconds=report.seconds,
        shards=report.shards,
        tensors_copied=report.tensors_copied,
        tensors_computed=report.tensors_computed,
        load_check=_outcome(report.loadcheck),
    )


def _checked(plan: PlanLike, patches: Sequence[PathLike], open_checkpoint: Callable[[str], Checkpoint]) -> CheckedPlan:
    return check_plan(plan_text(plan), open_checkpoint, CheckContext(patches=open_patches(map(Path, patches))))


def _problem(problem: plan_problems.Problem) -> Problem:
    place = problem.place
    where = (place.line, place.column) if place else (None, None)
    return Problem(problem.rule, problem.severity.value, problem.message, problem.fix, *where)


def _outcome(check: LoadCheck | None) -> Literal["passed", "skipped", "not possible"]:
    if check is None:
        return "skipped"
    return "not possible" if check.unavailable else "passed"


def _ignored(_done: int, _total: int) -> None:
    """Ignore progress."""
