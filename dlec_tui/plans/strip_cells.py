"""The new model as a row of cells, one for each layer from bottom to top; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType

from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span
from engine.plan.edits import SliceView
from engine.units import plural

MOST_CELLS = 5_000
"""A range that is being typed may have any end; no model has as many layers."""
SOURCES = 4
"""Tones for that many models, "source-0" and so on; the fifth has the first one's."""
_WIDEST_CELL = 4
_FIRST_LETTER = ord("A")


@dataclass(frozen=True, slots=True)
class Cell:
    """One layer of the new model."""

    slice_index: int
    source: int
    """Index of the source model, in order of appearance."""
    layer: int
    """Counted in that model."""
    is_repeat: bool
    """Whether the new model has the same layer further down already."""
    is_inert: bool
    """Whether what it writes is scaled to zero."""
    is_missing: bool = False
    """Whether its model has no such layer."""
    is_stale: bool = False
    """Whether it is of an earlier text."""


@dataclass(frozen=True, slots=True)
class Window:
    """Visible cells of a row, and their width."""

    first: int
    cell_width: int
    """Width of a cell in columns."""
    cells: int
    """Number of cells that fit."""


def cells_of(slices: Sequence[SliceView], depths: Mapping[str, int] = MappingProxyType({})) -> tuple[Cell, ...]:
    """Cells of all slices with known layers. depths: layer counts of the models that could be opened."""
    sources = sources_of(slices)
    seen: set[tuple[int, int]] = set()
    cells: list[Cell] = []
    for index, view in enumerate(slices):
        if view.start is None or view.end is None:
            continue
        source = sources.index(view.models[0])
        depth = depths.get(view.models[0], view.end)
        for layer in range(view.start, min(view.end, view.start + MOST_CELLS - len(cells))):
            cells.append(Cell(index, source, layer, (source, layer) in seen, view.scale == 0, layer >= depth))
            seen.add((source, layer))
    return tuple(cells)


def sources_of(slices: Sequence[SliceView]) -> list[str]:
    """The models as they are written, each once."""
    return list(dict.fromkeys(model for view in slices for model in view.models))


def window_for(length: int, width: int, focus: tuple[int, int] | None) -> Window:
    """Window of `length` cells in `width` columns that includes the cells [start, end) of `focus`."""
    cell_width = max(1, min(_WIDEST_CELL, width // max(1, length)))
    room = max(1, width // cell_width)
    if focus is None or focus[1] <= room:
        return Window(0, cell_width, room)
    return Window(max(0, min(focus[0], length - room)), cell_width, room)


def place_of(cells: Sequence[Cell], slice_index: int | None) -> tuple[int, int] | None:
    """The cells [start, end) of one slice; None where it has none."""
    own = [at for at, cell in enumerate(cells) if cell.slice_index == slice_index]
    return (own[0], own[-1] + 1) if own else None


def row_of(cells: Sequence[Cell], window: Window) -> list[Span]:
    """Visible cells as text with tones."""
    has_letters = any(cell.source for cell in cells)
    shown = cells[window.first : window.first + window.cells]
    looks = [(_sign(cell, has_letters=has_letters), _tone(cell)) for cell in shown]
    return [(sign * (len(list(group)) * window.cell_width), tone) for (sign, tone), group in groupby(looks)]


def rail_of(place: tuple[int, int] | None, window: Window) -> str:
    """A line under the cells of one slice."""
    if place is None:
        return ""
    start, end = max(0, place[0] - window.first), min(window.cells, place[1] - window.first)
    return " " * (start * window.cell_width) + GLYPHS.line * ((end - start) * window.cell_width)


def summary_of(cells: Sequence[Cell], sources: Sequence[str]) -> str:
    """Number of layers by origin: "36 layers: 30 of SmolLM2, 6 repeated"."""
    if not cells:
        return "no layers"
    missing = sum(cell.is_missing for cell in cells)
    cells = [cell for cell in cells if not cell.is_missing]
    firsts = Counter(cell.source for cell in cells if not cell.is_repeat)
    letters = len(sources) > 1
    parts = [
        f"{number} of {_letter(source) + ' ' if letters else ''}{sources[source]}"
        for source, number in sorted(firsts.items())
    ]
    repeats = sum(cell.is_repeat for cell in cells)
    inert = sum(cell.is_inert for cell in cells)
    more = [f"{repeats} repeated"] * bool(repeats) + [f"{inert} inert"] * bool(inert)
    more += [f"{missing} missing"] * bool(missing)
    return f"{plural(len(cells), 'layer')}: {', '.join([*parts, *more])}"


def _sign(cell: Cell, *, has_letters: bool) -> str:
    if cell.is_missing:
        return GLYPHS.error
    if cell.is_inert:
        return GLYPHS.waiting
    if has_letters:
        letter = _letter(cell.source)
        return letter.lower() if cell.is_repeat else letter
    return GLYPHS.shades[2] if cell.is_repeat else GLYPHS.full


def _letter(source: int) -> str:
    return chr(_FIRST_LETTER + source % 26)


def _tone(cell: Cell) -> str:
    if cell.is_stale:
        return "dim"
    if cell.is_missing:
        return "missing"
    return f"source-{cell.source % SOURCES}" if not cell.is_repeat else f"repeat-{cell.source % SOURCES}"
