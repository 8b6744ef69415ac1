"""last-slice: the last slice is too short.

Severity: warning

Why: The last layers translate into the vocabulary, and depend on an unbroken run of the layers before them. In a manual
search over a model of 32 layers a last slice shorter than 6 layers gave gibberish; 7 was better, 8 better still.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024. The thresholds are 6/32 and 8/32 of the depth.

Example: `[0, 20]`, `[10, 30]`, `[27, 32]` of 32 layers: the last slice has 5, the threshold is 6/32 x 32 = 6.

Fix: Start the last slice earlier.
"""

import math
from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, Run, repeats_layers

OF_LAYERS = 32
"""Depth at which the thresholds were measured."""
GIBBERISH_UNDER = 6
POOR_UNDER = 8


def check(facts: Facts) -> Iterator[Problem]:
    if not repeats_layers(facts.runs):
        return
    last = facts.runs[-1]
    for threshold, outcome in ((GIBBERISH_UNDER, "gave gibberish"), (POOR_UNDER, "degraded quality")):
        if last.length * OF_LAYERS < threshold * last.depth:
            message = _message(last, threshold, outcome)
            yield Problem("last-slice", Severity.WARNING, message, facts.place_of(last), _fix(last))
            return


def _message(last: Run, threshold: int, outcome: str) -> str:
    limit = threshold * last.depth / OF_LAYERS
    return (
        f"the last slice, {last}, has {last.length} of {last.depth} layers; last slices shorter than {limit:g} "
        f"({threshold}/{OF_LAYERS} x {last.depth}) {outcome} in tests"
    )


def _fix(last: Run) -> str:
    start = last.end - math.ceil(POOR_UNDER * last.depth / OF_LAYERS)
    return f"Start it at layer {start} or below." if start >= 0 else "End with a longer slice."
