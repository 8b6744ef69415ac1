"""Costs of measuring, announced on one line before the work and added up over the pieces of a text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from engine.tasks.stages import ANNOUNCED
from engine.units import byte_size, plural

Cost: TypeAlias = dict[str, Any]
"""{"what", "announced", "expected_seconds"}, and when it is done "counted" and "seconds"."""


def announced_line(cost: Mapping[str, Any]) -> str:
    """Return the line that announces a cost. cost: {"what", "announced", "expected_seconds"}."""
    announced, seconds = cost["announced"], cost["expected_seconds"]
    reads = (
        f"{announced['layer_reads']:,} layers read from the files ({byte_size(announced['read_bytes'])}) "
        f"in {announced['passes']:,} x {announced['chunks']:,} passes"
        if not announced["resident"]
        else f"layers in memory, text in {plural(announced['chunks'], 'piece')}"
    )
    expected = f", about {seconds:,.0f} s"
    return (
        f"{ANNOUNCED}{cost['what']}, {plural(announced['plans'], 'plan')}: "
        f"{announced['layer_forwards']:,} layer-forwards and {announced['heads']:,} heads, {reads}{expected}"
    )


def added(costs: Sequence[Cost]) -> Cost:
    """Return the total cost of several pieces of one text."""
    first = costs[0]
    if len(costs) == 1:
        return first
    return {
        "what": first["what"],
        "announced": summed([cost["announced"] for cost in costs]),
        "counted": summed([cost["counted"] for cost in costs]),
        "expected_seconds": math.fsum(cost["expected_seconds"] for cost in costs),
        "seconds": math.fsum(cost["seconds"] for cost in costs),
    }


_MOSTS = ("passes", "state_bytes", "base_bytes", "weight_bytes", "work_bytes", "plans", "resident")
"""Figures of which the largest counts, not the sum."""


def summed(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of several works as one: maximum of memory and passes, sum of the rest."""
    totals: dict[str, Any] = {}
    for name in parts[0]:
        values = [part.get(name, 0) for part in parts]
        if isinstance(values[0], dict):
            totals[name] = summed(values)
        else:
            totals[name] = max(values) if name in _MOSTS else sum(values)
    return totals
