"""Values of blocks of layers as levels of heat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

Block: TypeAlias = tuple[int, int]
"""Layers [start, end)."""

LEVELS = 10
"""More could not be told apart, and would cost more bytes on a slow line."""
RAMP = (
    *("#5f005f", "#5f0087", "#5f5f87", "#005f87", "#008787"),
    *("#00af87", "#5faf5f", "#87d75f", "#afd75f", "#ffff5f"),
)
"""From the lowest to the highest level, dark to light: of the palette of 256 colours, and told apart by every eye."""
_TAIL = 0.02
"""Share of the values at either end that may lie beyond the scale: one outlier must not make all others look alike."""


@dataclass(frozen=True)
class Scale:
    """From values to levels."""

    low: float
    """Values up to here have level 0."""
    high: float
    """Values from here on have the highest level."""

    def level(self, value: float) -> int:
        """0 to LEVELS - 1."""
        if self.high <= self.low:
            return 0
        share = (value - self.low) / (self.high - self.low)
        return min(max(int(share * LEVELS), 0), LEVELS - 1)


@dataclass(frozen=True)
class BlockMap:
    """One metric of many blocks."""

    name: str
    values: Mapping[Block, float]
    """Finite, at least one."""

    @cached_property
    def scale(self) -> Scale:
        return robust_scale(self.values.values())

    @property
    def longest(self) -> int:
        """Layers in the longest block that was measured."""
        return max(end - start for start, end in self.values)

    def level(self, block: Block) -> int | None:
        """None where the block was not measured."""
        value = self.values.get(block)
        return None if value is None else self.scale.level(value)


def robust_scale(values: Iterable[float]) -> Scale:
    """From the 2nd to the 98th percentile."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Scale(ordered[round(_TAIL * last)], ordered[round((1 - _TAIL) * last)])
