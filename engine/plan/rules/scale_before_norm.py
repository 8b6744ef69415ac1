"""scale-before-norm: a scaled projection is followed by a norm.

Severity: note; error if dlec does not know the norms of the family

Why: If a norm follows the projection (Gemma 2 and 3, OLMo 2), scaling the projection has no effect: the norm undoes it.
dlec scales the norm's effective gain instead, so that the plan has the effect that it describes; mergekit scales the
projection, without effect.

Source: measured for this project.

Example: `scale: [{filter: o_proj, value: 0.5}]` over a Gemma 2.

Fix: Nothing to do. To get the same result from mergekit, scale the norm.
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
        if visit.levels and visit.slice_index not in named and (problem := _finding(facts, visit)):
            named.add(visit.slice_index)
            yield problem


def _finding(facts: Facts, visit: Visit) -> Problem | None:
    try:
        norms = facts.residual.norms_after(visit.checkpoint, visit.layer)
        scaled = layer_scalings(visit) if norms else {}
    except CheckpointError as error:
        return Problem("scale-before-norm", Severity.ERROR, error.line, facts.place_of(visit))
    if not scaled:
        return None
    moved = sorted({suffix for norm in norms.values() for suffix in norm if suffix in scaled})
    message = (
        f"a norm follows the scaled projection: the factor is applied to {', '.join(moved)}"
        " (mergekit scales the projection, which the norm undoes)"
    )
    return Problem("scale-before-norm", Severity.NOTE, message, facts.place_of(visit)) if moved else None
