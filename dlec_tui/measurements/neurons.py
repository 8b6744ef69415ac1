"""The neuron table: filtered and sorted rows, read page by page, and their text."""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from dlec_tui.measurements.neuron_filter import conditions_from, in_words
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import clipped, indented
from engine.errors import escaped
from engine.store.connection import StoreConnection
from engine.store.database import open_for_reading
from engine.store.keys import MeasurementKey
from engine.store.neurons import (
    PAGE_ROWS,
    NeuronOrder,
    NeuronStatistics,
    count_neurons,
    first_of_layer,
    matching_neurons,
    neuron_page,
    neurons_at,
)

ORDERS = (
    NeuronOrder.LAYER,
    NeuronOrder.PEAK,
    NeuronOrder.MEAN,
    NeuronOrder.VARIANCE,
    NeuronOrder.SHARE_ACTIVE,
    NeuronOrder.COUNT,
)
"""Sort orders in the order of the columns."""
_STEPS = 100_000
"""Steps of SQLite's virtual machine between two checks for cancellation."""


@dataclass(frozen=True, slots=True)
class NeuronView:
    """One way to look at a profile's neurons."""

    order: NeuronOrder = NeuronOrder.LAYER
    descending: bool = False
    filter_text: str = ""
    """The filter, as the user typed it."""

    def next_order(self) -> "NeuronView":
        """Sort by the next column, descending; after the last one by layer."""
        following = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        return replace(self, order=following, descending=following is not NeuronOrder.LAYER)

    def reversed(self) -> "NeuronView":
        return replace(self, descending=not self.descending)


@dataclass(frozen=True)
class NeuronRows:
    """The rows of a view, to be read page by page, from any thread."""

    store: Path
    key: MeasurementKey
    view: NeuronView
    count: int
    matching: "array[int] | None" = None
    """The neurons that the filter lets through, in order; None without a filter."""

    def page(self, number: int) -> tuple[NeuronStatistics, ...]:
        """Rows from PAGE_ROWS * number on. Raises MachineError for a store that cannot be read."""
        first = number * PAGE_ROWS
        with closing(open_for_reading(self.store)) as connection:
            if self.matching is not None:
                return neurons_at(connection, self.key, self.matching[first : first + PAGE_ROWS])
            some = min(PAGE_ROWS, self.count - first)
            order, descending = self.view.order, self.view.descending
            return neuron_page(connection, self.key, order, descending=descending, offset=first, limit=some)

    def row_of_layer(self, layer: int) -> int | None:
        """First row of a layer; None if rows are not sorted by layer or the layer has none."""
        if self.view.order is not NeuronOrder.LAYER or self.view.filter_text or self.view.descending:
            return None
        with closing(open_for_reading(self.store)) as connection:
            return first_of_layer(connection, self.key, layer)


def neuron_rows(
    store: Path, key: MeasurementKey, view: NeuronView, stops: Callable[[], bool] = lambda: False
) -> NeuronRows:
    """Rows of a view. A filter searches all neurons until `stops` returns True.

    Raises UsageError for an invalid filter, MachineError for an unreadable store and for a cancelled search.
    """
    conditions = conditions_from(view.filter_text)
    with closing(open_for_reading(store)) as connection:
        if not conditions:
            return NeuronRows(store, key, view, count_neurons(connection, key))
        _stop_when(connection, stops)
        matching = matching_neurons(connection, key, conditions, view.order, descending=view.descending)
    return NeuronRows(store, key, view, len(matching), matching)


def _stop_when(connection: StoreConnection, stops: Callable[[], bool]) -> None:
    connection.set_progress_handler(lambda: int(stops()), _STEPS)


@dataclass(frozen=True, slots=True)
class Column:
    """Column of the table."""

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
"""Bounds of the number format: exponents below `_SMALL` and from `_HUGE`, whole numbers from `_LARGE`."""


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
    """Columns that fit next to the text at the peak; always includes the sorted one."""
    columns: tuple[Column, ...] = _COLUMNS
    for order in _LEFT_OUT_FIRST:
        needed = sum(column.width + len(_GAP) for column in columns) + len(_CONTEXT_GAP) + _LEAST_CONTEXT
        if needed > width and order is not view.order:
            columns = tuple(column for column in columns if column.order is not order)
    return columns


def no_neurons(view: NeuronView) -> tuple[str, ...]:
    """Text of an empty table."""
    if not view.filter_text:
        return ("This profile has no neurons.",)
    conditions = tuple(in_words(conditions_from(view.filter_text)))
    return (
        "No neuron matches all of these conditions:",
        *(f"  {each}" for each in conditions),
        "",
        "/ Ctrl+U Enter: show all neurons.",
    )


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
