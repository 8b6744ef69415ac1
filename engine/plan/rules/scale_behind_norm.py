"""scale-behind-norm: a scaled projection whose output a norm rescales.

Severity: note; error where the family of the model is not understood

Why: Where a norm follows the projection (Gemma 2 and 3, OLMo 2) scaling the projection does nothing: the norm undoes
it. dlec puts the factor onto the norm's effective gain, so that the plan does what it says; mergekit would scale the
projection, in vain.

Source: measured for this project.

Example: `scale: [{filter: o_proj, value: 0.5}]` over a Gemma 2.

Remedy: None is needed here. To get the same from mergekit, scale the norm.
"""

from collections.abc import Iterator

from engine.errors import CheckpointError
from engine.plan.outputs import layer_scalings
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.stack import Visit


def check(facts: Facts) -> Iterator[Problem]:
    named: set[int] = set()
    for visit in facts.stack.visits:
        if visit.levels and visit.slice_index not in named and (found := _finding(facts, visit)):
            named.add(visit.slice_index)
            yield found


def _finding(facts: Facts, visit: Visit) -> Problem | None:
    try:
        norms = facts.residual.norms_behind(visit.checkpoint, visit.layer)
        scaled = layer_scalings(visit) if norms else {}
    except CheckpointError as error:
        return Problem("scale-behind-norm", Severity.ERROR, error.line, facts.place_of(visit))
    if not scaled:
        return None
    moved = sorted({suffix for norm in norms.values() for suffix in norm if suffix in scaled})
    message = (
        f"a norm follows what this slice scales: the factor goes onto {', '.join(moved)}"
        " (mergekit would scale the projection, which the norm undoes)"
    )
    return Problem("scale-behind-norm", Severity.NOTE, message, facts.place_of(visit)) if moved else None
