"""A heat map of blocks as lines of text: the first layer across, the length down.

Every cell shows its level as a digit, so that nothing is lost where there is no colour.
"""

from collections.abc import Iterator

import click

from dlec_tui.measurements.heat import LEVELS, RAMP, BlockMap

_GUTTER = 5
_LABEL_STEP = 5
"""Layers between two labels."""
_LIGHT_FROM = 5
"""From this level on the colours are light, and the digits dark."""


def heat_lines(block_map: BlockMap, layers: int, columns: int) -> Iterator[str]:
    """At most `columns` wide; where that is too narrow for all first layers, the map stands in parts."""
    width = 2 if _GUTTER + 2 * layers <= columns else 1
    at_once = max(1, (columns - _GUTTER) // width)
    for first in range(0, layers, at_once):
        starts = range(first, min(first + at_once, layers))
        yield "".join(_labels(starts, width)).rstrip()
        for length in range(1, block_map.longest + 1):
            cells = (_cell(block_map.level((start, start + length)), width) for start in starts)
            yield f"{length:>4} {''.join(cells)}".rstrip()
    yield _scale(block_map)


def _labels(starts: range, width: int) -> Iterator[str]:
    """The first layers that fit, each above its column."""
    line = [" "] * (_GUTTER + width * len(starts) + 2)
    step = _LABEL_STEP if width > 1 else 2 * _LABEL_STEP
    for start in starts:
        if start % step == 0:
            label, at = str(start), _GUTTER + (start - starts.start) * width
            line[at : at + len(label)] = label
    yield from line


def _cell(level: int | None, width: int) -> str:
    return " " * width if level is None else _coloured(level, f"{level}".ljust(width))


def _scale(block_map: BlockMap) -> str:
    scale = block_map.scale
    levels = "".join(_coloured(level, f"{level} ") for level in range(LEVELS))
    return f"{block_map.name}: {scale.low:+.4f} {levels}{scale.high:+.4f}"


def _coloured(level: int, text: str) -> str:
    red, green, blue = (int(RAMP[level][at : at + 2], 16) for at in (1, 3, 5))
    return click.style(text, bg=(red, green, blue), fg="black" if level >= _LIGHT_FROM else "white")
