"""edge-layers: one of the first two layers, or the last layer, is repeated.

Severity: warning

Why: The first layers turn tokens into the representation that the others use, and the last layer turns that into the
vocabulary; a second pass through them degrades quality more than any other. On SmolLM2-135M all blocks of 1, 2, 4 and 7
layers were repeated: those with layer 0, layer 1 or the last layer raised the loss by 0.8 to 5.6 nats per token, the
mildest by 0.06. Inert copies do not count.

Source: measured for this project over 110 plans; also RYS ("early layers ruin"), and jukofyork in arcee-ai/mergekit
#198 for 70B models.

Example: `[0, 2]`, `[0, 32]`: layers 0 and 1 are repeated.

Fix: Repeat layers in the middle. To add layers at an end for training, make the copies inert.
"""

from collections import Counter
from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

FIRST = 2
"""Number of sensitive layers at the beginning."""


def check(facts: Facts) -> Iterator[Problem]:
    visits: Counter[int] = Counter()
    depth = facts.stack.config_donor.layer_count
    for run in facts.runs:
        if run.start >= FIRST and run.end < depth:
            continue
        touched = [layer for layer in range(run.start, run.end) if layer < FIRST or layer == depth - 1]
        again = [layer for layer in touched if visits[layer]]
        visits.update(touched)
        if again:
            which = f"layer {again[0]} is" if len(again) == 1 else f"layers {' and '.join(map(str, again))} are"
            message = f"{which} repeated; duplicating the {_kind(again[-1])} degrades quality most"
            fix = "Repeat layers in the middle, or make the copy inert."
            yield Problem("edge-layers", Severity.WARNING, message, facts.place_of(run), fix)


def _kind(layer: int) -> str:
    return "first layers" if layer < FIRST else "last layer"
