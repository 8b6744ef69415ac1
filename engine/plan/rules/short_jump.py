"""short-jump: overlapping slices overlap by too few layers.

Severity: warning

Why: In a manual search over overlapping slices the backward jump had to be more than 2 layers. The rule applies to
plans of at least three slices that each jump back several layers: one repeated block, and single layers doubled in
place, are different methods.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024.

Example: `[0, 12]`, `[10, 22]`, `[20, 32]`: each slice overlaps the one before by 2 layers.

Fix: Overlap by at least 3 layers.
"""

from collections.abc import Iterator
from itertools import pairwise

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, is_overlapping

SHORTEST = 3
"""Minimum overlap, in layers."""


def check(facts: Facts) -> Iterator[Problem]:
    runs = facts.runs
    if not is_overlapping(runs):
        return
    short = [(before, after) for before, after in pairwise(runs) if before.end - after.start < SHORTEST]
    if short:
        before, after = short[0]
        more = len(short) - 1
        others = f" (also at {more} more)" if more else ""
        jump = f"{before.end} - {after.start} = {before.end - after.start} layers"
        message = f"{before} and {after} overlap by only {jump}{others}"
        start = before.end - SHORTEST
        change = f"start {after} at layer {start} or below" if start >= 0 else f"end {before} later"
        fix = f"Overlap by at least {SHORTEST} layers: {change}."
        yield Problem("short-jump", Severity.WARNING, message, facts.place_of(after), fix)
