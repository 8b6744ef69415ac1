"""A plan of one checkpoint as a sequence of layers, each with a factor on its contribution to the residual stream."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import NamedTuple, TypeAlias

from engine.checkpoint.anatomy import End
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import residual_writers
from engine.errors import PlanError, shown
from engine.plan.outputs import Scaling, cast_dtypes, layer_scalings
from engine.plan.stack import Donor, FactorLevel, Stack, Visit, factor_of


class Step(NamedTuple):
    """One visit of a layer."""

    layer: int
    scale: float = 1.0
    """Factor on every tensor that writes into the residual stream, or on the effective gain of a norm after them."""


Visits: TypeAlias = tuple[Step, ...]
"""Visits of a plan from bottom to top."""

BASE = -1
"""Number of the base among numbered plans."""


def visits(layers: Iterable[int]) -> Visits:
    """Return unscaled visits of `layers`."""
    return tuple(map(Step, layers))


def base_visits(layer_count: int) -> Visits:
    """Return the visits of the unchanged checkpoint."""
    return visits(range(layer_count))


def require_visits(plan: Visits, layer_count: int) -> None:
    """Raise PlanError for a plan without visits, a layer outside the checkpoint, or a factor that is not finite."""
    if not plan:
        raise PlanError("the plan visits no layer")
    for position, step in enumerate(plan):
        if not 0 <= step.layer < layer_count:
            why = f"the checkpoint has layers 0 to {layer_count - 1}"
            raise PlanError(f"visit {position} is of layer {step.layer}, which does not exist", why=why)
        if not isfinite(step.scale):
            raise PlanError(f"visit {position} has the scale {step.scale}", why="it is not a finite number")


def stack_of(checkpoint: Checkpoint, plan: Visits) -> Stack:
    """Return the stack of a sequence of visits.

    Raises CheckpointError if the residual writers of a scaled layer are unknown.
    """
    seen = Counter[int]()
    stacked = []
    for step in plan:
        levels = () if step.scale == 1.0 else (_writers_level(checkpoint, step),)
        stacked.append(Visit.whole(checkpoint, step.layer, seen[step.layer], levels))
        seen[step.layer] += 1
    donor = Donor(checkpoint)
    return Stack(tuple(stacked), donor, donor, checkpoint)


def visits_of(stack: Stack) -> Visits:
    """Return the visits of a compiled stack.

    Raises PlanError, with the reason, for a stack that visits cannot express: several checkpoints, scales other than
    one factor on a visit's whole contribution to the residual stream, a dtype other than the checkpoint's.
    """
    checkpoint = stack.config_donor
    for other in stack.checkpoints:
        if other is not checkpoint:
            raise _refused(f"it takes layers or ends of {shown(other.reference)} besides {shown(checkpoint.reference)}")
    for donor, end in ((stack.embedding, End.EMBEDDING), (stack.head, End.HEAD)):
        for name in checkpoint.anatomy.names_of_end(end):
            if factor_of(donor.levels, name) not in (None, 1.0):
                raise _refused(f"it scales {shown(name)}, which is outside the layers")
    _require_own_dtype(stack)
    return tuple(_step_of(visit) for visit in stack.visits)


def step_scalings(checkpoint: Checkpoint, step: Step) -> Mapping[str, Scaling]:
    """Return the scalings of the layer's tensors that the step changes, by suffix, as in a merge."""
    if step.scale == 1.0:
        return {}
    return layer_scalings(Visit.whole(checkpoint, step.layer, 0, (_writers_level(checkpoint, step),)))


def _step_of(visit: Visit) -> Step:
    if len(visit.parts) > 1:
        raise _refused(f"its layer of {shown(visit.checkpoint.reference)} {visit.layer} has parts of other layers")
    scalings = layer_scalings(visit) if visit.levels else {}
    for factor in dict.fromkeys(scaling.factor for scaling in scalings.values()):
        step = Step(visit.layer, factor)
        if step_scalings(visit.checkpoint, step) == scalings:
            return step
    if not scalings:
        return Step(visit.layer)
    named = ", ".join(f"{shown(suffix)} by {scaling.factor:g}" for suffix, scaling in list(scalings.items())[:3])
    raise _refused(f"layer {visit.layer} has {named}: not one factor on all that the layer adds to the stream")


def _writers_level(checkpoint: Checkpoint, step: Step) -> FactorLevel:
    suffixes = residual_writers(checkpoint, step.layer)
    return tuple((checkpoint.anatomy.layer_tensor(step.layer, suffix), step.scale) for suffix in suffixes)


def _require_own_dtype(stack: Stack) -> None:
    checkpoint = stack.config_donor
    for tensor in checkpoint.tensors.values() if stack.casts else ():
        for dtype in cast_dtypes(stack, checkpoint, tensor):
            if dtype != tensor.dtype:
                raise _refused(f"it casts {shown(tensor.name)} from {tensor.dtype} to {dtype}")


def _refused(why: str) -> PlanError:
    return PlanError(
        "the plan is not a sequence of layers of one checkpoint",
        why=why,
        fix="Preview it separately: dlec preview.",
    )
