"""long-jump: a backward jump of overlapping slices covers more than half of a slice.

Severity: warning

Why: If both jumps at a slice are longer than half of it, its middle layers occur three times. The rule applies to
slices between two jumps: a plan of two slices repeats no layer more than once, however far they overlap.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024.

Example: `[0, 16]`, `[6, 22]`, `[12, 32]`: the middle slice has 16 layers and both jumps are 10.

Fix: Jump back at most half of the slice.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, is_overlapping, jumps_of
from engine.units import plural


def check(facts: Facts) -> Iterator[Problem]:
    runs = facts.runs
    if not is_overlapping(runs):
        return
    jumps = jumps_of(runs)
    longest = [(run, max(down, up)) for run, down, up in zip(runs[1:], jumps, jumps[1:], strict=False)]
    too_long = [(run, jump) for run, jump in longest if 2 * jump > run.length]
    if too_long:
        run, jump = too_long[0]
        more = len(too_long) - 1
        others = f" (also at {more} more)" if more else ""
        message = (
            f"a jump of {jump} layers covers more than half of the slice {run} "
            f"({run.length} layers / 2 = {run.length / 2:g}){others}"
        )
        fix = f"Jump back at most {plural(run.length // 2, 'layer')}, or make the slice longer."
        yield Problem("long-jump", Severity.WARNING, message, facts.place_of(run), fix)
