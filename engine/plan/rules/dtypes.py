"""dtypes: the checkpoints of a stack are stored in different dtypes.

Severity: error

Why: Without `dtype` each tensor keeps its own dtype, and the new checkpoint would be mixed while its config names one
dtype: a reader rounds some of the layers, or doubles the size of all of them.

Source: mergekit writes such a mixture without a warning (verified by running it: 38 tensors in bfloat16, 37 in
float32).

Example: slices of a float32 and a bfloat16 checkpoint without `dtype`.

Fix: Add `dtype` or `out_dtype` to the plan.
"""

from collections.abc import Iterator

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.model import Position
from engine.plan.outputs import CONFIG_DTYPES
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    stack = facts.stack
    if stack.casts or len(stack.checkpoints) == 1:
        return
    positions: dict[str, Position] = {}
    for checkpoint, place in _givers(facts):
        if checkpoint.precision.main is not None:
            positions.setdefault(checkpoint.precision.main, place)
    if len(positions) > 1:
        message = f"the sources are stored in {' and '.join(positions)}, so the new model would be mixed"
        fix = f"Add `dtype: {CONFIG_DTYPES[next(iter(positions))]}` to the plan."
        yield Problem("dtypes", Severity.ERROR, message, [*positions.values()][-1], fix)


def _givers(facts: Facts) -> Iterator[tuple[Checkpoint, Position]]:
    """Yield the checkpoints that give tensors, with their position in the plan, from bottom to top."""
    slices, stack = facts.plan.slices, facts.stack
    yield stack.embedding.checkpoint, slices[0].model_place
    for visit in stack.visits:
        yield visit.checkpoint, facts.place_of(visit)
    yield stack.head.checkpoint, slices[-1].model_place
