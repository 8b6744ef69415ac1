"""dtypes: a stack of checkpoints that are stored in different dtypes.

Severity: error

Why: Without `dtype` each tensor keeps its own, and the new checkpoint would be stored mixed while its config names one:
whoever opens it gets some of its layers rounded, or all of them twice as large, without having asked for either.

Source: mergekit writes such a mixture without a word, checked by running it: 38 tensors in bfloat16, 37 in float32.

Example: slices of a float32 and of a bfloat16 checkpoint, and no `dtype`.

Remedy: Add `dtype` or `out_dtype` to the plan.
"""

from collections.abc import Iterable, Iterator

from engine.checkpoint.anatomy import End
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.header import StoredTensor
from engine.plan.model import Place
from engine.plan.outputs import CONFIG_DTYPES, FLOAT_DTYPES
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    stack = facts.stack
    if stack.dtype or stack.out_dtype or len(stack.checkpoints) == 1:
        return
    found: dict[str, tuple[Checkpoint, Place]] = {}
    for checkpoint, tensors, place in _matrices(facts):
        for tensor in tensors:
            if tensor.dtype in FLOAT_DTYPES and len(tensor.shape) > 1:
                found.setdefault(tensor.dtype, (checkpoint, place))
    if len({id(checkpoint) for checkpoint, _ in found.values()}) > 1:
        message = f"the sources are stored in {' and '.join(found)}, and so would the new model be"
        fix = f"Add `dtype: {CONFIG_DTYPES[next(iter(found))]}` to the plan."
        *_, (_, place) = found.values()
        yield Problem("dtypes", Severity.ERROR, message, place, fix)


def _matrices(facts: Facts) -> Iterator[tuple[Checkpoint, Iterable[StoredTensor], Place]]:
    """Who gives which tensors at which place of the plan, from bottom to top."""
    slices, stack = facts.plan.slices, facts.stack
    embedding, head = stack.embedding.checkpoint, stack.head.checkpoint
    yield embedding, _end_tensors(embedding, End.EMBEDDING), slices[0].model_place
    for visit in stack.visits:
        yield visit.checkpoint, visit.checkpoint.layer_tensors(visit.layer), facts.place_of(visit)
    yield head, _end_tensors(head, End.HEAD), slices[-1].model_place


def _end_tensors(checkpoint: Checkpoint, end: End) -> Iterable[StoredTensor]:
    return (checkpoint.tensors[name] for name in checkpoint.anatomy.names_of_end(end))
