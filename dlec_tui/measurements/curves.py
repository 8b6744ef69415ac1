"""What was measured of layers and blocks, as curves over depth."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from dlec_tui.charts import Curve, Point
from dlec_tui.measurements.heat import Block, BlockMap
from engine.store.profiles import BlockAngle, LayerStatistics
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
        yield from _curve(f"{metric_name(metric)}{blocks}", points, width)


def metric_name(metric: str) -> str:
    """A metric of the store in words."""
    return metric.replace("_", " ")


def block_at(curve: Curve, layer: int) -> tuple[Block, float] | None:
    """The block of the curve whose middle is nearest to a layer, and its value; None where there is none so near."""
    middle, value = min(curve.points, key=lambda point: (abs(point[0] - layer), point[0]))
    start = round(middle - (curve.width - 1) / 2)
    return ((start, start + curve.width), value) if abs(middle - layer) < 1 else None


def angle_maps(angles: Iterable[BlockAngle]) -> Iterator[BlockMap]:
    """How far each block turns the residual stream."""
    yield from _map("angular distance", ((angle.start, angle.end, angle.angular_distance) for angle in angles))


def score_maps(scores: Iterable[Score]) -> Iterator[BlockMap]:
    """A map for each metric that was measured of longer blocks than single layers."""
    by_metric: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for score in scores:
        by_metric[score.metric].append((score.start, score.end, score.value))
    for metric, found in sorted(by_metric.items()):
        if any(end - start > 1 for start, end, _ in found):
            yield from _map(metric_name(metric), found)


def _map(name: str, found: Iterable[tuple[int, int, float]]) -> Iterator[BlockMap]:
    values = {(start, end): value for start, end, value in found if math.isfinite(value)}
    if values:
        yield BlockMap(name, values)


def _curve(name: str, points: Iterable[Point], width: int = 1) -> Iterator[Curve]:
    known = tuple(sorted(point for point in points if math.isfinite(point[1])))
    if len(known) >= FEWEST_POINTS:
        yield Curve(name, known, width)
