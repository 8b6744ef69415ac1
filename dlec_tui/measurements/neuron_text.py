"""Neurons as text: a line of the table, and all that is known of one."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dlec_tui.measurements.neuron_filter import conditions_from, in_words
from dlec_tui.measurements.neurons import NeuronView
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import clipped, indented
from engine.errors import escaped
from engine.store.neurons import NeuronOrder, NeuronStatistics


@dataclass(frozen=True, slots=True)
class Column:
    """One of the table's; a blank stands between two in any case."""

    title: str
    width: int
    order: NeuronOrder | None
    """Order that sorting by this column gives; None where it cannot be sorted by."""
    text_of: Callable[[NeuronStatistics], str]


_COLUMNS = (
    Column("layer", 6, NeuronOrder.LAYER, lambda neuron: str(neuron.layer)),
    Column("neuron", 7, None, lambda neuron: f"{neuron.neuron:,}"),
    Column("peak", 9, NeuronOrder.PEAK, lambda neuron: figure(neuron.peak)),
    Column("mean", 9, NeuronOrder.MEAN, lambda neuron: figure(neuron.mean)),
    Column("variance", 9, NeuronOrder.VARIANCE, lambda neuron: figure(neuron.variance)),
    Column("active", 8, NeuronOrder.SHARE_ACTIVE, lambda neuron: share(neuron.share_active)),
    Column("count", 9, NeuronOrder.COUNT, lambda neuron: f"{neuron.count:,}"),
)
"""The text around the peak follows."""
_LEFT_OUT_FIRST = (NeuronOrder.COUNT, NeuronOrder.VARIANCE)
"""The count is alike for nearly all neurons."""
_LEAST_CONTEXT = 12
"""Columns for the text around the peak, for which others are left out."""
_GAP, _CONTEXT_GAP = " ", "  "
_SMALL, _LARGE, _HUGE = 1e-3, 1000, 1e6
"""From `_LARGE` to `_HUGE` numbers are written out; below `_SMALL`, and from `_HUGE` on, with an exponent."""


def header_line(view: NeuronView, width: int) -> str:
    """The titles, with an arrow at the one that rows are sorted by."""
    arrow = GLYPHS.down if view.descending else GLYPHS.up
    titles = (
        indented(f"{column.title}{arrow if column.order is view.order else ''}", column.width)
        for column in columns_for(view, width)
    )
    return _line(titles, "peaks at", width)


def neuron_line(neuron: NeuronStatistics, view: NeuronView, width: int) -> str:
    """One line of the table, in at most `width` cells."""
    cells = (indented(column.text_of(neuron), column.width) for column in columns_for(view, width))
    return _line(cells, escaped(neuron.peak_context), width)


def _line(cells: Iterable[str], context: str, width: int) -> str:
    figures = f"{_GAP.join(cells)}{_CONTEXT_GAP}"
    return figures[:width] + clipped(context, width - len(figures))


def columns_for(view: NeuronView, width: int) -> tuple[Column, ...]:
    """Those that a table of `width` columns has room for beside the text at the peak; the one sorted by always."""
    columns: tuple[Column, ...] = _COLUMNS
    for order in _LEFT_OUT_FIRST:
        needed = sum(column.width + len(_GAP) for column in columns) + len(_CONTEXT_GAP) + _LEAST_CONTEXT
        if needed > width and order is not view.order:
            columns = tuple(column for column in columns if column.order is not order)
    return columns


def otherwise(view: NeuronView) -> tuple[str, ...]:
    """What stands there when a view has no rows."""
    if not view.wanted:
        return ("No neurons: this profile has none.",)
    found = tuple(in_words(conditions_from(view.wanted)))
    return ("No neuron meets all of this:", *(f"  {each}" for each in found), "", "/ Ctrl+U Enter shows all neurons.")


def neuron_details(neuron: NeuronStatistics) -> Iterator[str]:
    """Its statistics, and where it peaked."""
    deviation = math.sqrt(neuron.variance) if neuron.variance >= 0 else math.nan
    yield (
        f"layer {neuron.layer}, neuron {neuron.neuron:,}: peak {figure(neuron.peak)}, "
        f"mean {figure(neuron.mean)} {GLYPHS.plus_minus} {figure(deviation)}, "
        f"active {share(neuron.share_active)} of {neuron.count:,}"
    )
    if neuron.peak_sequence >= 0:
        where = f"sequence {neuron.peak_sequence}, token {neuron.peak_position}"
        yield f"peaked at {where}: {escaped(neuron.peak_context)}"


def figure(number: float) -> str:
    """Three digits, or all of a large number, in at most 9 cells; nothing for what is not known."""
    if math.isnan(number):
        return ""
    size = abs(number)
    if _LARGE <= size < _HUGE:
        return f"{number:,.0f}"
    if size == 0 or _SMALL <= size < _LARGE or math.isinf(number):
        return f"{number:.3g}"
    digits, exponent = f"{number:.2e}".split("e")
    return f"{digits}e{int(exponent)}"


def share(number: float) -> str:
    """A share as percent: "12.3 %"."""
    return "" if math.isnan(number) else f"{100 * number:.1f} %"
