"""slice-sizes: overlapping slices get smaller towards the top, or the last one is smaller than another.

Severity: warning

Why: Layers matter more with depth, so slices that grow (4, 5, 6, 7, ...) may beat equal ones; slices that shrink cut
the upper layers into the smallest pieces. The last slice should be at least as large as any other. The size of the
first slice was found not to matter, so it is not compared.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024; the best plan found there has slices of 9 and a last
one of 12.

Example: `[0, 10]`, `[5, 18]`, `[12, 26]`, `[20, 32]`: the last slice has 12 layers, the one before it 14. `[0, 10]`,
`[4, 16]`, `[10, 20]`, `[15, 23]`, `[18, 32]`: the inner slices have 12, 10 and 8 layers.

Fix: Make all slices equal, or let them grow; start the last slice earlier.
"""

from collections.abc import Iterator
from itertools import pairwise

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, is_overlapping


def check(facts: Facts) -> Iterator[Problem]:
    if is_overlapping(facts.runs):
        yield from _shrinking(facts)
        yield from _smaller_last(facts)


def _shrinking(facts: Facts) -> Iterator[Problem]:
    between = facts.runs[1:-1]
    lengths = [run.length for run in between]
    if lengths == sorted(lengths) or lengths != sorted(lengths, reverse=True):
        return
    smaller = next(after for before, after in pairwise(between) if after.length < before.length)
    message = f"the slices get smaller towards the top: {', '.join(map(str, lengths))} layers"
    fix = "Make them equal, or let them grow."
    yield Problem("slice-sizes", Severity.WARNING, message, facts.place_of(smaller), fix)


def _smaller_last(facts: Facts) -> Iterator[Problem]:
    *others, last = facts.runs[1:]
    largest = max(others, key=lambda run: run.length)
    if last.length < largest.length:
        message = f"the last slice, {last}, has {last.length} layers, fewer than {largest} with {largest.length}"
        fix = f"Start it at layer {last.end - largest.length} or below."
        yield Problem("slice-sizes", Severity.WARNING, message, facts.place_of(last), fix)
