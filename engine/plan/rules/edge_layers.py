"""edge-layers: one of the first two layers, or the last one, occurs twice.

Severity: warning

Why: The first layers turn tokens into what the others compute with, and the last one turns that into the vocabulary;
a second pass through them costs more than any other. On SmolLM2-135M all blocks of 1, 2, 4 and 7 layers were repeated:
those with layer 0, 1 or the last one raised the loss by 0.8 to 5.6 nats a token, the mildest by 0.06. Copies that are
inert do not count.

Source: measured for this project over 110 plans; the same from RYS ("early layers ruin"), and from jukofyork in
arcee-ai/mergekit #198 for 70B models.

Example: `[0, 2]`, `[0, 32]`: layers 0 and 1 occur twice.

Remedy: Repeat layers of the middle. To add layers at an end for training, make the copies inert.
"""

from collections import Counter
from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

FIRST = 2
"""So many layers at the beginning."""


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
            which = f"layer {again[0]}" if len(again) == 1 else f"layers {' and '.join(map(str, again))}"
            occur = "occurs" if len(again) == 1 else "occur"
            message = f"{which} of {depth} {occur} again; {_kind(again[-1])} bears it worst"
            fix = "Repeat layers of the middle, or make the copy inert."
            yield Problem("edge-layers", Severity.WARNING, message, facts.place_of(run.first), fix)


def _kind(layer: int) -> str:
    return "the beginning of a model" if layer < FIRST else "the last layer"
