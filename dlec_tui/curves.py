"""What was measured of layers and blocks, as curves over depth."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from dlec_tui.charts import Curve, Point
from engine.store.layers import LayerStatistics
from engine.store.scores import Score

FEWEST_POINTS = 3
"""Below this there is no curve to see."""


def profile_curves(layers: Sequence[LayerStatistics]) -> Iterator[Curve]:
    """How far each layer turns the residual stream, and how much it adds to it."""
    yield from _curve("block influence", ((each.layer, each.block_influence) for each in layers))
    yield from _curve("relative update", ((each.layer, each.relative_update) for each in layers))


def score_curves(scores: Iterable[Score]) -> Iterator[Curve]:
    """A curve for each metric and width of block, each block at its middle."""
    grouped: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for score in scores:
        grouped[score.metric, score.end - score.start].append(((score.start + score.end - 1) / 2, score.value))
    for (metric, width), points in sorted(grouped.items()):
        blocks = "" if width == 1 else f", blocks of {width}"
        yield from _curve(f"{metric.replace('_', ' ')}{blocks}", points)


def _curve(name: str, points: Iterable[Point]) -> Iterator[Curve]:
    known = tuple(sorted(point for point in points if math.isfinite(point[1])))
    if len(known) >= FEWEST_POINTS:
        yield Curve(name, known)
