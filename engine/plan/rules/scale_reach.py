"""scale-reach: a scale also changes embeddings, final norm or head.

Severity: warning

Why: An entry without a filter in the first slice also scales the embeddings, in the last slice final norm and head, at
the top of the plan everything.

Source: mergekit does the same without a warning (verified by running it).

Example: `[0, 16]` with `scale: 0.5` as first slice halves `model.embed_tokens.weight`.

Fix: Add a filter that matches only layers, such as `layers.`.
"""

from collections.abc import Iterator

from engine.checkpoint.anatomy import End
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.stack import Donor, factor_of


def check(facts: Facts) -> Iterator[Problem]:
    slices, stack = facts.plan.slices, facts.stack
    ends = ((stack.embedding, End.EMBEDDING, slices[0]), (stack.head, End.HEAD, slices[-1]))
    for donor, end, slice_ in ends:
        reached = _scaled_names(donor, end)
        if reached:
            message = f"the scale of this slice also changes {', '.join(reached)}"
            fix = "Add a filter that matches only layers, e.g. `layers.`."
            yield Problem("scale-reach", Severity.WARNING, message, slice_.place, fix)


def _scaled_names(donor: Donor, end: End) -> list[str]:
    names = donor.checkpoint.anatomy.names_of_end(end)
    return [name for name in names if factor_of(donor.levels, name) not in (None, 1.0)]
