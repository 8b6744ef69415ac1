"""first-slice: the first slice is short.

Severity: warning

Why: The first layers build the representation that all others read. Opinions differ: the author of the search below
found that the size of the first slice does not matter, others in the same discussion recommend at least 8 layers of 32
and 10 of 48, and the heat maps of a 70B model put the end of the region that cannot be overlapped at 8 to 10 layers.

Source: discussion of froggeric's WestLake-10.7B-v2; jukofyork in arcee-ai/mergekit #198. The threshold is 1/4 of the
depth up to 32 layers and 4 + 1/8 of it above, which gives 8 at 32 and 10 at 48.

Example: `[0, 6]`, `[3, 32]` of 32 layers: the first slice has 6, the threshold is 32/4 = 8.

Fix: Extend the first slice.
"""

import math
from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, repeats_layers

KNEE = 32
"""Maximum depth at which the threshold is a quarter of the depth."""


def check(facts: Facts) -> Iterator[Problem]:
    if not repeats_layers(facts.runs):
        return
    first = facts.runs[0]
    limit = wanted_length(first.depth)
    if first.start == 0 and first.length < limit:
        arithmetic = f"{first.depth}/4" if first.depth <= KNEE else f"4 + {first.depth}/8"
        message = (
            f"the first slice, {first}, has {first.length} of {first.depth} layers; "
            f"some authors recommend at least {limit:g} ({arithmetic})"
        )
        fix = f"End it at {min(first.depth, math.ceil(limit))} or above, or switch this rule off: authors disagree."
        yield Problem("first-slice", Severity.WARNING, message, facts.place_of(first), fix)


def wanted_length(depth: int) -> float:
    """Return the recommended minimum, in layers."""
    return depth / 4 if depth <= KNEE else 4 + depth / 8
