"""shrinking-slices: overlapping slices get smaller towards the top.

Severity: warning

Why: Layers matter more with depth, so slices that grow (4, 5, 6, 7, ...) may beat equal ones; slices that shrink cut
the upper layers into the smallest pieces. The first and the last slice are not counted: the size of the first does not
matter, and other rules check the last.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024.

Example: `[0, 10]`, `[4, 16]`, `[10, 20]`, `[15, 23]`, `[18, 32]`: the inner slices have 12, 10 and 8 layers.

Fix: Make all slices equal, or let them grow.
"""

from collections.abc import Iterator
from itertools import pairwise

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, is_overlapping


def check(facts: Facts) -> Iterator[Problem]:
    between = facts.runs[1:-1]
    lengths = [run.length for run in between]
    if not is_overlapping(facts.runs) or lengths == sorted(lengths):
        return
    if lengths == sorted(lengths, reverse=True):
        smaller = next(after for before, after in pairwise(between) if after.length < before.length)
        message = f"the slices get smaller towards the top: {', '.join(map(str, lengths))} layers"
        fix = "Make them equal, or let them grow."
        yield Problem("shrinking-slices", Severity.WARNING, message, facts.place_of(smaller), fix)
