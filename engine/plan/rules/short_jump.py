"""short-jump: overlapping slices that go back too few layers.

Severity: warning

Why: In a hand search over overlapping slices the backward jump had to be more than 2 layers. The rule speaks of plans
made of at least three slices that each go back several layers: one block visited twice, and single layers doubled in
place, are other methods.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024.

Example: `[0, 12]`, `[10, 22]`, `[20, 32]`: each slice begins 2 layers below the end of the one before.

Remedy: Go back at least 3 layers.
"""

from collections.abc import Iterator
from itertools import pairwise

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.rules.runs import is_overlapping

SHORTEST = 3
"""Layers."""


def check(facts: Facts) -> Iterator[Problem]:
    runs = facts.runs
    if not is_overlapping(runs):
        return
    short = [(before, after) for before, after in pairwise(runs) if before.end - after.start < SHORTEST]
    if short:
        before, after = short[0]
        more = len(short) - 1
        others = f", and so {more} times more" if more > 1 else ", and so once more" if more else ""
        jump = f"{before.end} - {after.start} = {before.end - after.start} layers"
        message = f"from {before} to {after} the plan goes back {jump}{others}"
        fix = f"Go back {SHORTEST} layers or more: begin it at layer {before.end - SHORTEST} or below."
        yield Problem("short-jump", Severity.WARNING, message, facts.place_of(after.first), fix)
