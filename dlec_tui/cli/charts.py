"""Charts and heat maps on a terminal."""

import shutil
from bisect import bisect_left
from collections.abc import Iterator, Sequence

import click

from dlec_tui.measurements.plots import LEVELS, RAMP, BlockMap

WIDEST_CHART, CHART_HEIGHT = 120, 14
"""Size of a chart in columns and rows."""


def chart_size() -> tuple[int, int]:
    """Return columns and rows of a chart: the width of the terminal, or 80 columns without one."""
    return min(shutil.get_terminal_size().columns, WIDEST_CHART), CHART_HEIGHT


_GUTTER = 5
_LABEL_STEP = 5
"""Number of layers between two labels."""
_LIGHT_FROM = 5
"""First level with a light colour and dark digits."""


def heat_lines(block_map: BlockMap, layers: int, columns: int) -> Iterator[str]:
    """Draw a map of at most `columns` columns, in several parts if it is too narrow for all first layers.

    The first layer is across and the length down. Every level holds a tenth of the blocks, so that a few extreme values
    do not hide the differences of the others; digits repeat the colours.
    """
    width = 2 if _GUTTER + 2 * layers <= columns else 1
    at_once = max(1, (columns - _GUTTER) // width)
    ordered = sorted(block_map.values.values())
    for first in range(0, layers, at_once):
        starts = range(first, min(first + at_once, layers))
        yield "".join(_labels(starts, width)).rstrip()
        for length in range(1, block_map.longest + 1):
            values = (block_map.values.get((start, start + length)) for start in starts)
            cells = (_cell(_tenth(value, ordered), width) for value in values)
            yield f"{length:>4} {''.join(cells)}".rstrip()
    levels = "".join(_coloured(level, f"{level} ") for level in range(LEVELS))
    yield f"{block_map.name} by deciles of the blocks: {ordered[0]:+.4f} {levels}{ordered[-1]:+.4f}"


def _labels(starts: range, width: int) -> Iterator[str]:
    """Yield the labels of first layers, each above its column."""
    line = [" "] * (_GUTTER + width * len(starts) + 2)
    step = _LABEL_STEP if width > 1 else 2 * _LABEL_STEP
    for start in starts:
        if start % step == 0:
            label, at = str(start), _GUTTER + (start - starts.start) * width
            line[at : at + len(label)] = label
    yield from line


def _cell(level: int | None, width: int) -> str:
    return " " * width if level is None else _coloured(level, f"{level}".ljust(width))


def _tenth(value: float | None, ordered: Sequence[float]) -> int | None:
    """0 for the lowest tenth of the values."""
    return None if value is None else LEVELS * bisect_left(ordered, value) // len(ordered)


def _coloured(level: int, text: str) -> str:
    red, green, blue = (int(RAMP[level][at : at + 2], 16) for at in (1, 3, 5))
    return click.style(text, bg=(red, green, blue), fg="black" if level >= _LIGHT_FROM else "white")
