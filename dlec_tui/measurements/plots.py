"""Measurements as curves, heat maps and histograms."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from dlec_tui.charts import Curve, Point
from dlec_tui.terminal.glyphs import GLYPHS

if TYPE_CHECKING:  # commands that draw nothing import the colours from here
    from engine.store.profiles import BlockAngle, LayerHistogram, LayerStatistics
    from engine.store.scores import Score

Block: TypeAlias = tuple[int, int]
"""Layers [start, end)."""

LEVELS = 10
"""More could not be told apart, and would cost more bytes on a slow line."""
RAMP = (
    *("#5f005f", "#5f0087", "#5f5f87", "#005f87", "#008787"),
    *("#00af87", "#5faf5f", "#87d75f", "#afd75f", "#ffff5f"),
)
"""Colours of the levels, dark to light, from the 256-colour palette; safe for colour-blind users."""
_TAIL = 0.02
"""Share of values at either end outside the scale: one outlier must not hide all other differences."""


@dataclass(frozen=True)
class Scale:
    """Mapping from values to levels."""

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
    """Scale from the 2nd to the 98th percentile."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Scale(ordered[round(_TAIL * last)], ordered[round((1 - _TAIL) * last)])


FEWEST_POINTS = 3
"""Below this there is no curve to see."""


def profile_curves(layers: "Sequence[LayerStatistics]") -> Iterator[Curve]:
    """Block influence and relative update of each layer."""
    yield from _curve("block influence", ((each.layer, each.block_influence) for each in layers))
    yield from _curve("relative update", ((each.layer, each.relative_update) for each in layers))


def score_curves(scores: "Iterable[Score]") -> Iterator[Curve]:
    """A curve for each metric and width of block, each block at its middle."""
    grouped: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for score in scores:
        grouped[score.metric, score.end - score.start].append(((score.start + score.end - 1) / 2, score.value))
    for (metric, width), points in sorted(grouped.items()):
        blocks = "" if width == 1 else f", blocks of {width}"
        yield from _curve(f"{metric_name(metric)}{blocks}", points, width)


def metric_name(metric: str) -> str:
    """A metric of the store in words."""
    return metric.replace("_", " ")


def block_at(curve: Curve, layer: int) -> tuple[Block, float] | None:
    """Block whose middle is nearest to a layer, and its value; None if it is one layer away or more."""
    middle, value = min(curve.points, key=lambda point: (abs(point[0] - layer), point[0]))
    start = round(middle - (curve.width - 1) / 2)
    return ((start, start + curve.width), value) if abs(middle - layer) < 1 else None


def angle_maps(angles: "Iterable[BlockAngle]") -> Iterator[BlockMap]:
    """Angular distance of each block."""
    yield from _map("angular distance", ((angle.start, angle.end, angle.angular_distance) for angle in angles))


def score_maps(scores: "Iterable[Score]") -> Iterator[BlockMap]:
    """A map for each metric that was measured of longer blocks than single layers."""
    by_metric: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for score in scores:
        by_metric[score.metric].append((score.start, score.end, score.value))
    for metric, entries in sorted(by_metric.items()):
        if any(end - start > 1 for start, end, _ in entries):
            yield from _map(metric_name(metric), entries)


def _map(name: str, entries: Iterable[tuple[int, int, float]]) -> Iterator[BlockMap]:
    values = {(start, end): value for start, end, value in entries if math.isfinite(value)}
    if values:
        yield BlockMap(name, values)


def _curve(name: str, points: Iterable[Point], width: int = 1) -> Iterator[Curve]:
    known = tuple(sorted(point for point in points if math.isfinite(point[1])))
    if len(known) >= FEWEST_POINTS:
        yield Curve(name, known, width)


def bar_lines(counts: Sequence[int], width: int, height: int) -> list[str]:
    """A bar for each count, all equally wide, at most `width` columns together; the highest fills `height` lines."""
    highest, column = max(counts, default=0), max(width // max(len(counts), 1), 1)
    eighths = [round(count / highest * height * len(GLYPHS.levels)) if highest else 0 for count in counts]
    lines = []
    for line in reversed(range(height)):
        filled = (min(max(each - line * len(GLYPHS.levels), 0), len(GLYPHS.levels)) for each in eighths)
        lines.append("".join((f" {GLYPHS.levels}")[each] * column for each in filled)[:width])
    return lines


_SHARES = (0.5, 0.99)


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of a histogram between the first and the last nonempty one."""

    low: float
    """Lower edge of the first one."""
    width: float
    counts: tuple[int, ...]

    @property
    def high(self) -> float:
        return self.low + self.width * len(self.counts)

    def below(self, share: float) -> float:
        """The upper edge of the bin that this share of all counts has been reached with."""
        target = share * sum(self.counts)
        at = next((at for at, total in enumerate(accumulate(self.counts)) if total >= target), 0)
        return self.low + self.width * (at + 1)


def bins_of(histograms: "Sequence[LayerHistogram]", layer: int) -> Bins | None:
    """Bins of a layer, cut to the range that any layer uses; None without a histogram."""
    entries = next((each for each in histograms if each.layer == layer), None)
    if entries is None or not entries.counts:
        return None
    used = [at for each in histograms for at, count in enumerate(each.counts) if count]
    first, last = (min(used), max(used)) if used else (0, len(entries.counts) - 1)
    width = (entries.high - entries.low) / len(entries.counts)
    return Bins(entries.low + first * width, width, entries.counts[first : last + 1])


def histogram_lines(bins: Bins, width: int, height: int) -> Iterator[str]:
    """The bars, their axis, and a line about them."""
    yield from bar_lines(bins.counts, width, max(height - 3, 1))
    used = min(max(width // len(bins.counts), 1) * len(bins.counts), width)
    low, middle, high = (f"2^{edge:.0f}" for edge in (bins.low, (bins.low + bins.high) / 2, bins.high))
    yield "─" * used
    yield f"{low}{middle:^{max(used - len(low) - len(high), 0)}}{high}"[:width]
    half, most = (2 ** bins.below(share) for share in _SHARES)
    yield f"|activation|: half of {sum(bins.counts):,} below {half:.3g}, 99 % below {most:.3g}"[:width]
