"""Pictures of comparisons: SVG, and one HTML file that needs no other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from engine.comparison.change_map import Cell, ChangeMap, Quantity

CAPTIONS: Mapping[Quantity, str] = {
    Quantity.RELATIVE: "relative change: RMS of the difference / RMS of the base's tensor",
    Quantity.RMS: "RMS of the difference",
    Quantity.EXPECTED: "RMS of the difference against its median, log2",
    Quantity.IDENTICAL: "share of bit-identical elements",
}
CAVEAT = (
    "Relative change divides by the size of the tensor. An optimizer such as Adam moves every element by about the "
    "learning rate, so a map of it is mostly a map of 1/RMS of the base: compare it with rms and expected."
)
_RAMP = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")
"""Colours from low to high (viridis): ordered by lightness, and safe for colour-blind readers."""
_CELL_WIDTH, _CELL_HEIGHT, _CHARACTER, _TOP, _LAYERS_PER_LABEL = 12, 16, 7, 40, 5
_CURVE_HEIGHT = 90
_GROUP_COLOURS = ("#414487", "#22a884", "#d95f02", "#7570b3", "#e7298a", "#666666")


_STEP_WIDTH = 60
Courses: TypeAlias = Mapping[str, Sequence[float]]
"""Values of each layer group, checkpoint by checkpoint."""
NO_COURSES: Courses = {}
_Drawn: TypeAlias = tuple[str, int, int]
"""Elements of SVG, their width and their height."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One map with its title."""

    title: str
    map: ChangeMap


def colour(level: float) -> str:
    """Return the colour of a level from 0 to 1 as #rrggbb."""
    place = level * (len(_RAMP) - 1)
    left = min(int(place), len(_RAMP) - 2)
    low, high = (_channels(_RAMP[left + side]) for side in (0, 1))
    mixed = (round(a + (b - a) * (place - left)) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{each:02x}" for each in mixed)


def _channels(hexadecimal: str) -> tuple[int, ...]:
    return tuple(int(hexadecimal[at : at + 2], 16) for at in (1, 3, 5))


def svg(panels: Sequence[Panel], courses: Courses = NO_COURSES) -> str:
    """Return one SVG with the maps below each other, and a curve for each layer group over several checkpoints."""
    drawn = [*map(_panel, panels), *([_curves(courses)] if courses else [])]
    parts, top = [], 0
    for body, _, height in drawn:
        parts.append(f'<g transform="translate(0 {top})">{body}</g>')
        top += height
    width = max(width for _, width, _ in drawn)
    size = f'width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="11">'
        f"{ground}{''.join(parts)}</svg>\n"
    )


def _panel(panel: Panel) -> _Drawn:
    drawn = panel.map
    left = _CHARACTER * max((len(type_) for type_ in drawn.types), default=0) + 12
    parts = [f'<text x="4" y="14" font-weight="bold">{escape(panel.title)}</text>']
    parts += [f'<text x="4" y="28">{escape(_caption(drawn))}</text>', *_labels(drawn, left)]
    parts += [_cell(drawn, cell, left) for cell in drawn.values]
    titles = _CHARACTER * max(len(panel.title), len(_caption(drawn))) + 12
    height = _TOP + _CELL_HEIGHT * len(drawn.types) + 26
    return "".join(parts), max(left + _CELL_WIDTH * drawn.layers + 12, titles), height


def _caption(drawn: ChangeMap) -> str:
    scale = "fixed scale, -2 to 2" if drawn.quantity is Quantity.EXPECTED else f"colours per {drawn.scale}"
    if drawn.quantity is not Quantity.EXPECTED and drawn.scale == "shared":
        scale = "one scale for all"
    return f"{CAPTIONS[drawn.quantity]}; {scale}"


def _labels(drawn: ChangeMap, left: int) -> Iterator[str]:
    for row, type_ in enumerate(drawn.types):
        yield f'<text x="4" y="{_TOP + row * _CELL_HEIGHT + 12}">{escape(type_)}</text>'
    bottom = _TOP + _CELL_HEIGHT * len(drawn.types) + 12
    for layer in range(0, drawn.layers, _LAYERS_PER_LABEL):
        yield f'<text x="{left + layer * _CELL_WIDTH}" y="{bottom}">{layer}</text>'


def _cell(drawn: ChangeMap, cell: Cell, left: int) -> str:
    type_, layer = cell
    x, y = left + layer * _CELL_WIDTH, _TOP + drawn.types.index(type_) * _CELL_HEIGHT
    title = f"layer {layer}, {escape(type_)}: {drawn.values[cell]:.4g}"
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL_WIDTH - 1}" height="{_CELL_HEIGHT - 1}" '
        f'fill="{colour(drawn.levels[cell])}"><title>{title}</title></rect>'
    )


def _curves(courses: Courses) -> _Drawn:
    """A line for each group: the median over its layers, checkpoint by checkpoint."""
    largest = max((value for course in courses.values() for value in course), default=0.0) or 1.0
    steps = max(len(course) for course in courses.values())
    left = _CHARACTER * max(map(len, courses)) + 60
    parts = [f'<text x="4" y="14" font-weight="bold">median by layer group, 0 to {largest:.3g}</text>']
    for number, (group, course) in enumerate(courses.items()):
        points = " ".join(
            f"{left + step * _STEP_WIDTH},{20 + _CURVE_HEIGHT * (1 - value / largest):.1f}"
            for step, value in enumerate(course)
        )
        fill = _GROUP_COLOURS[number % len(_GROUP_COLOURS)]
        parts += [f'<polyline points="{points}" fill="none" stroke="{fill}" stroke-width="2"/>']
        parts += [f'<text x="4" y="{34 + 14 * number}" fill="{fill}">{escape(group)}</text>']
    parts += [
        f'<text x="{left + step * _STEP_WIDTH}" y="{_CURVE_HEIGHT + 36}">{step + 1}</text>' for step in range(steps)
    ]
    return "".join(parts), left + _STEP_WIDTH * steps, _CURVE_HEIGHT + 50


_STYLE = """body{font:14px/1.45 system-ui,sans-serif;margin:2em;max-width:100em;color:#111;background:#fff}
table{border-collapse:collapse;font:12px monospace}th,td{padding:1px 8px;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}figure{margin:1em 0;overflow-x:auto}"""


def html(
    title: str,
    facts: Sequence[str],
    panels: Sequence[Panel],
    rows: Sequence[Mapping[str, object]],
    courses: Courses = NO_COURSES,
) -> str:
    """Return one self-contained page: facts, maps, and a table of all values."""
    curves = [svg([], courses)] if courses else []
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>",
            *(f"<p>{escape(fact)}</p>" for fact in facts),
            f"<p>{escape(CAVEAT)}</p>",
            *(f"<figure>{picture}</figure>" for picture in (*(svg([panel]) for panel in panels), *curves)),
            f"<details><summary>All {len(rows):,} tensors</summary>{_table(rows)}</details></body></html>\n",
        ]
    )


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    lines = ("".join(f"<td>{escape(_text(value))}</td>" for value in row.values()) for row in rows)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
