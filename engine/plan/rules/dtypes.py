"""dtypes: a stack of checkpoints that are stored in different dtypes.

Severity: error

Why: Without `dtype` each tensor keeps its own, and the new checkpoint would be stored mixed while its config names one:
whoever opens it gets some of its layers rounded, or all of them twice as large, without having asked for either.

Source: mergekit writes such a mixture without a word, checked by running it: 38 tensors in bfloat16, 37 in float32.

Example: slices of a float32 and of a bfloat16 checkpoint, and no `dtype`.

Remedy: Add `dtype` or `out_dtype` to the plan.
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
    found: dict[str, Position] = {}
    for checkpoint, place in _givers(facts):
        if checkpoint.precision.main is not None:
            found.setdefault(checkpoint.precision.main, place)
    if len(found) > 1:
        message = f"the sources are stored in {' and '.join(found)}, and so would the new model be"
        fix = f"Add `dtype: {CONFIG_DTYPES[next(iter(found))]}` to the plan."
        yield Problem("dtypes", Severity.ERROR, message, [*found.values()][-1], fix)


def _givers(facts: Facts) -> Iterator[tuple[Checkpoint, Position]]:
    """Who gives tensors at which place of the plan, from bottom to top."""
    slices, stack = facts.plan.slices, facts.stack
    yield stack.embedding.checkpoint, slices[0].model_place
    for visit in stack.visits:
        yield visit.checkpoint, facts.place_of(visit)
    yield stack.head.checkpoint, slices[-1].model_place
