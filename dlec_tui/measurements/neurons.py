"""The neuron table as it was asked for: which neurons, in which order, a page at a time. Reads the store alone."""

from array import array
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from dlec_tui.measurements.neuron_filter import conditions_from
from engine.store.connection import StoreConnection
from engine.store.database import open_for_reading
from engine.store.keys import ProfileKey
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
"""In the order in which a key goes through them, which is that of the table's columns."""
_STEPS = 100_000
"""Of SQLite's virtual machine, between two looks at whether a search is still wanted."""


@dataclass(frozen=True, slots=True)
class NeuronView:
    """One way to look at a profile's neurons."""

    order: NeuronOrder = NeuronOrder.LAYER
    descending: bool = False
    wanted: str = ""
    """The filter, as the user typed it."""

    def next_order(self) -> "NeuronView":
        """By the next column, the largest first; behind the last one by layer again."""
        following = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        return replace(self, order=following, descending=following is not NeuronOrder.LAYER)

    def reversed(self) -> "NeuronView":
        return replace(self, descending=not self.descending)


@dataclass(frozen=True)
class NeuronRows:
    """The rows of a view, to be read page by page, from any thread."""

    store: Path
    key: ProfileKey
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
        """Where a layer begins; None where rows are not in the order of layers, or it has none."""
        if self.view.order is not NeuronOrder.LAYER or self.view.wanted or self.view.descending:
            return None
        with closing(open_for_reading(self.store)) as connection:
            return first_of_layer(connection, self.key, layer)


def neuron_rows(
    store: Path, key: ProfileKey, view: NeuronView, stops: Callable[[], bool] = lambda: False
) -> NeuronRows:
    """The rows of a view; with a filter all neurons are looked at, until `stops` says that nobody waits.

    Raises UsageError for what is no filter, MachineError for a store that cannot be read and for a search given up.
    """
    conditions = conditions_from(view.wanted)
    with closing(open_for_reading(store)) as connection:
        if not conditions:
            return NeuronRows(store, key, view, count_neurons(connection, key))
        _stop_when(connection, stops)
        matching = matching_neurons(connection, key, conditions, view.order, descending=view.descending)
    return NeuronRows(store, key, view, len(matching), matching)


def _stop_when(connection: StoreConnection, stops: Callable[[], bool]) -> None:
    connection.set_progress_handler(lambda: int(stops()), _STEPS)
