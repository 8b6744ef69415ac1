"""smaller-last-slice: the last of the overlapping slices is smaller than another.

Severity: warning

Why: The last slice should be at least as large as any other. The first slice is not compared: its size was found not to
matter.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024; the best plan found there has slices of 9 and a last
one of 12.

Example: `[0, 10]`, `[5, 18]`, `[12, 26]`, `[20, 32]`: the last slice has 12 layers, the one before it 14.

Fix: Start the last slice earlier, or make the others smaller.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, is_overlapping


def check(facts: Facts) -> Iterator[Problem]:
    if not is_overlapping(facts.runs):
        return
    *others, last = facts.runs[1:]
    largest = max(others, key=lambda run: run.length)
    if last.length < largest.length:
        message = f"the last slice, {last}, has {last.length} layers, fewer than {largest} with {largest.length}"
        fix = f"Start it at layer {last.end - largest.length} or below."
        yield Problem("smaller-last-slice", Severity.WARNING, message, facts.place_of(last), fix)
