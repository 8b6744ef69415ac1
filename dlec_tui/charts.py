"""Curves over the layers of a model as text with ANSI colours: the only file that knows plotext.

plotext draws on one global figure: call this from one thread only. Line and dots differ even without colours, which
click removes for files and NO_COLOR.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dlec_tui.terminal.glyphs import GLYPHS

Point: TypeAlias = tuple[float, float]
"""Layer and value; the layer of a block is its middle."""

MOST_CURVES = 2
"""Maximum number of curves in one chart."""

_SIDES = ("left", "right")
_COLOURS = ("cyan", "orange")
_ROWS_PER_TICK = 3
_COLUMNS_PER_TICK = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric over depth."""

    name: str
    points: tuple[Point, ...]
    """Points by ascending layer, at least one."""
    width: int = 1
    """Block length in layers."""

    @property
    def is_logarithmic(self) -> bool:
        """Whether the axis is logarithmic: all values are positive and differ by a factor of 4 or more."""
        values = [value for _, value in self.points]
        return min(values) > 0 and max(values) >= 4 * min(values)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart and the position of its layers."""

    lines: tuple[str, ...]
    """Lines with ANSI colours; the last one is the legend."""
    layers: int
    first_column: int
    """First column of the canvas, right of the axis."""
    columns: int
    """Width of the canvas in columns."""
    rows: int
    """Height of the canvas in rows, below the frame in the first line."""

    def column_of(self, layer: int) -> int:
        """Column of a layer in the lines."""
        return self.first_column + round((layer + 0.5) / self.layers * (self.columns - 1))


def layer_curves(curves: Sequence[Curve], layers: int, width: int, height: int) -> str:
    """The lines of `layer_chart` as one text."""
    return "\n".join(layer_chart(curves, layers, width, height).lines)


def layer_chart(curves: Sequence[Curve], layers: int, width: int, height: int) -> Chart:
    """One or two curves over layers 0 to `layers` - 1, each with its own axis, in `width` columns and `height` rows.

    The first is a line with its axis at the left, the second dots with theirs at the right; a legend comes last.
    """
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)  # else the size of the terminal, or what plotext takes for it, would cut it
    plotext.plotsize(width, height - 1)
    plotext.xlim(-0.5, layers - 0.5)
    plotext.xticks(_layer_ticks(layers, width))
    for curve, side, draw, marker, colour in zip(
        curves, _SIDES, (plotext.plot, plotext.scatter), _markers(), _COLOURS, strict=False
    ):
        xs, ys = zip(*curve.points, strict=True)
        draw(xs, ys, marker=marker, color=colour, yside=side)
        plotext.yscale("log" if curve.is_logarithmic else "linear", yside=side)
        ticks = _value_ticks(curve, max(2, height // _ROWS_PER_TICK))
        plotext.yticks(ticks, [f"{tick:.3g}" for tick in ticks], yside=side)
    return _chart(plotext.build(), _legend(curves), layers)


def _markers() -> tuple[str, str]:
    return GLYPHS.chart, "o" if GLYPHS.is_ascii else "•"


def _chart(text: str, legend: str, layers: int) -> Chart:
    """Chart with the position of its canvas, found by the frame."""
    import plotext

    lines = text.splitlines()
    plain = [plotext.uncolorize(line) for line in lines]
    first = plain[0].index("┌") + 1
    rows = next(at for at, line in enumerate(plain) if "└" in line) - 1
    return Chart((*lines, legend), layers, first, plain[0].index("┐") - first, rows)


def _layer_ticks(layers: int, width: int) -> list[int]:
    """First and last layer, and round numbers between them with room for their labels."""
    fitting = max(1, layers * _COLUMNS_PER_TICK // width)
    step = next((step for step in (1, 2, 5, 10, 20, 50) if step >= fitting), 100)
    inner = [layer for layer in range(0, layers, step) if layers - 1 - layer > step // 2]
    return [*inner, layers - 1]


def _value_ticks(curve: Curve, number: int) -> list[float]:
    """Evenly spaced ticks from the lowest to the highest value."""
    values = [value for _, value in curve.points]
    low, high = min(values), max(values)
    if low == high:
        return [low]
    shares = [place / (number - 1) for place in range(number)]
    if curve.is_logarithmic:
        return [low * (high / low) ** share for share in shares]
    return [low + (high - low) * share for share in shares]


def _legend(curves: Sequence[Curve]) -> str:
    import plotext

    line = _markers()[0] if GLYPHS.is_ascii else "⠒"
    parts = []
    for curve, side, marker, colour in zip(curves, _SIDES, (2 * line, _markers()[1]), _COLOURS, strict=False):
        remarks = [side] * (len(curves) > 1) + ["log"] * curve.is_logarithmic
        note = f" ({', '.join(remarks)})" if remarks else ""
        parts.append(f"{plotext.colorize(marker, colour)} {curve.name}{note}")
    return "   ".join(parts)
