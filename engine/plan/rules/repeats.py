"""repeats: a layer occurs more than twice.

Severity: warning

Why: In a manual search over overlapping slices, layers that occur more than twice degraded quality sharply. Inert
copies do not count.

Source: froggeric, WestLake-10.7B-v2 and its discussion, 2024; later measurements agree that further copies add less
than the first, or do harm (RYS, training-free looping).

Example: `[0, 12]`, `[4, 16]`, `[8, 32]`: layers 8 to 11 occur three times.

Fix: Repeat each layer at most once, or scale down the further copies.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, Run

MAX_VISITS = 2

Key: TypeAlias = tuple[int, int]
"""Checkpoint and layer."""


def check(facts: Facts) -> Iterator[Problem]:
    totals = Counter([key for run in facts.runs for key in _keys(run)])
    if not totals or max(totals.values()) <= MAX_VISITS:
        return
    visits: defaultdict[Key, int] = defaultdict(int)
    for run in facts.runs:
        beyond = []
        for key in _keys(run):
            visits[key] += 1
            if visits[key] == MAX_VISITS + 1:
                beyond.append(key)
        if beyond:
            layers = [layer for _, layer in beyond]
            message = (
                f"layer {layers[0]} occurs {totals[beyond[0]]} times{_others(layers[1:])}; "
                f"more than {MAX_VISITS} usually degrades quality sharply"
            )
            fix = "Remove the copy, or scale its residual writers to 0 until it is trained."
            yield Problem("repeats", Severity.WARNING, message, facts.place_of(run), fix)


def _keys(run: Run) -> list[Key]:
    checkpoint = id(run.checkpoint)
    return [(checkpoint, layer) for layer in range(run.start, run.end)]


def _others(layers: Sequence[int]) -> str:
    """Return the other layers of a run, as the end of a clause."""
    if not layers:
        return ""
    is_range = len(layers) > 2 and layers[-1] - layers[0] == len(layers) - 1
    named = f"{layers[0]} to {layers[-1]}" if is_range else ", ".join(map(str, layers))
    return f" (also {named})"
