"""jumps: overlapping slices jump back too few or too many layers.

Severity: warning

Why: In a manual search over overlapping slices the backward jump had to be more than 2 layers. If both jumps at a slice
are longer than half of it, its middle layers occur three times; a plan of two slices repeats no layer more than once,
however far they overlap. The rule applies to plans of at least three slices that each jump back several layers: one
repeated block, and single layers doubled in place, are different methods.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024.

Example: `[0, 12]`, `[10, 22]`, `[20, 32]`: each slice overlaps the one before by 2 layers. `[0, 16]`, `[6, 22]`,
`[12, 32]`: the middle slice has 16 layers and both jumps are 10.

Fix: Jump back at least 3 layers, and at most half of the slice.
"""

from collections.abc import Iterator
from itertools import pairwise

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, is_overlapping, jumps_of
from engine.units import plural

SHORTEST = 3
"""Minimum jump, in layers."""


def check(facts: Facts) -> Iterator[Problem]:
    if is_overlapping(facts.runs):
        yield from _too_short(facts)
        yield from _too_long(facts)


def _too_short(facts: Facts) -> Iterator[Problem]:
    short = [(before, after) for before, after in pairwise(facts.runs) if before.end - after.start < SHORTEST]
    if short:
        before, after = short[0]
        jump = f"{before.end} - {after.start} = {before.end - after.start} layers"
        message = f"{before} and {after} overlap by only {jump}{_others(len(short) - 1)}"
        start = before.end - SHORTEST
        change = f"start {after} at layer {start} or below" if start >= 0 else f"end {before} later"
        fix = f"Overlap by at least {SHORTEST} layers: {change}."
        yield Problem("jumps", Severity.WARNING, message, facts.place_of(after), fix)


def _too_long(facts: Facts) -> Iterator[Problem]:
    jumps = jumps_of(facts.runs)
    longest = [(run, max(down, up)) for run, down, up in zip(facts.runs[1:], jumps, jumps[1:], strict=False)]
    too_long = [(run, jump) for run, jump in longest if 2 * jump > run.length]
    if too_long:
        run, jump = too_long[0]
        message = (
            f"a jump of {jump} layers covers more than half of the slice {run} "
            f"({run.length} layers / 2 = {run.length / 2:g}){_others(len(too_long) - 1)}"
        )
        fix = f"Jump back at most {plural(run.length // 2, 'layer')}, or make the slice longer."
        yield Problem("jumps", Severity.WARNING, message, facts.place_of(run), fix)


def _others(count: int) -> str:
    return f" (also at {count} more)" if count else ""
