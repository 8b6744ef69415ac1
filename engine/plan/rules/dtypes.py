"""dtypes: a stack of checkpoints that are stored in different dtypes.

Severity: warning

Why: Without `dtype` each tensor keeps its own, and the new checkpoint would be stored mixed while its config names one.

Source: mergekit's behaviour, checked by running it: 38 tensors in bfloat16 and 37 in float32.

Example: slices of a float32 and of a bfloat16 checkpoint, and no `dtype`.

Remedy: Add `dtype` or `out_dtype` to the plan.
"""

from collections.abc import Iterator

from engine.plan.outputs import CONFIG_DTYPES, FLOAT_DTYPES
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.stack import Visit


def check(facts: Facts) -> Iterator[Problem]:
    stack = facts.stack
    if stack.dtype or stack.out_dtype or len(stack.checkpoints) == 1:
        return
    dtypes: dict[str, Visit] = {}
    for visit in stack.visits:
        for tensor in visit.checkpoint.layer_tensors(visit.layer):
            if tensor.dtype in FLOAT_DTYPES and len(tensor.shape) > 1:
                dtypes.setdefault(tensor.dtype, visit)
    if len({visit.checkpoint for visit in dtypes.values()}) > 1:
        message = f"the sources are stored in {' and '.join(dtypes)}, and so would the new model be"
        fix = f"Add `dtype: {CONFIG_DTYPES[next(iter(dtypes))]}` to the plan."
        yield Problem("dtypes", Severity.WARNING, message, facts.place_of(list(dtypes.values())[-1]), fix)
