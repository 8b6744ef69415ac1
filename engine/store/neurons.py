"""Statistics of MLP neurons: millions of rows, read a page at a time in any order, filtered by value or by text."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.floats import as_float
from engine.store.keys import MeasurementKey, find_key_id

if TYPE_CHECKING:
    from sqlite_utils import Database


PAGE_ROWS = 200
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class NeuronStatistics:
    """The activations of one MLP neuron, at the input of the down projection."""

    layer: int
    neuron: int
    """Index within the layer; for experts: expert * width + neuron."""
    count: int
    """Number of activations: the tokens, or those routed to the expert. If 0, mean and variance are nan."""
    mean: float
    variance: float
    peak: float
    """The activation of largest magnitude, with its sign."""
    peak_sequence: int
    """Index of the sequence in which the peak occurred; -1 for none."""
    peak_position: int
    """Index of the token in that sequence."""
    peak_context: str
    """Text around that token, the same for all neurons that peak there."""
    share_active: float
    """Share of activations that are not close to 0, as the metric defines it."""


class NeuronOrder(StrEnum):
    """Sort keys of the neuron table; ties are sorted by layer and neuron."""

    LAYER = "layer"
    COUNT = "count"
    MEAN = "mean"
    VARIANCE = "variance"
    PEAK = "peak"
    """Absolute value of the peak."""
    SHARE_ACTIVE = "share_active"


SORTED_BY: Mapping[NeuronOrder, str] = {
    NeuronOrder.COUNT: "count",
    NeuronOrder.MEAN: "mean",
    NeuronOrder.VARIANCE: "variance",
    NeuronOrder.PEAK: "abs(peak)",
    NeuronOrder.SHARE_ACTIVE: "share_active",
}
"""SQL of each sort key that is not the order of layers, which is neuron_id."""

STATISTICS = "layer, neuron, count, mean, variance, peak, peak_sequence, peak_position, peak_context, share_active"
"""Columns of the view `neurons`."""


def save_neurons(db: "Database", key_id: int, neurons: Iterable[NeuronStatistics]) -> None:
    """Save neurons, sorted by layer, then neuron; call inside a transaction."""
    numbered = enumerate(neurons)
    while some := list(islice(numbered, _ROWS_AT_ONCE)):
        # executemany: insert_all of sqlite-utils takes three times as long.
        db.conn.executemany(_INSERT_NEURON, ((key_id, *_row(*one)) for one in some))
        db.conn.executemany(_INSERT_CONTEXT, ((key_id, *context) for context in _contexts(some)))
    db.conn.executemany(_INSERT_ORDER, ((key_id, rank, *ids) for rank, ids in enumerate(_orders(db, key_id))))


def count_neurons(connection: StoreConnection, key: MeasurementKey) -> int:
    """Return the number of neurons in the profile; 0 if there is no such profile."""
    sql = "SELECT max(neuron_id) + 1 FROM neuron_statistics WHERE key_id = ?"
    ((count,),) = connection.rows(sql, (find_key_id(connection, key),))
    return count or 0


def neuron_page(
    connection: StoreConnection,
    key: MeasurementKey,
    order: NeuronOrder = NeuronOrder.LAYER,
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = PAGE_ROWS,
) -> tuple[NeuronStatistics, ...]:
    """Return `limit` rows of the profile's neuron table from row `offset`; as fast at the end as at the start."""
    first = count_neurons(connection, key) - offset - limit if descending else offset
    span = (find_key_id(connection, key), max(first, 0), first + limit)
    rows = connection.rows(_page_sql(order, "DESC" if descending else "ASC"), span)
    return tuple(map(statistics_from, rows))


def first_of_layer(connection: StoreConnection, key: MeasurementKey, layer: int) -> int | None:
    """Return the row of a layer's first neuron in the order of layers; None if the profile has no neuron of it."""
    first, _ = _span_of_layer(connection, find_key_id(connection, key), layer)
    return first


def _span_of_layer(connection: StoreConnection, key_id: int | None, layer: int) -> tuple[int | None, int | None]:
    """The first and the last neuron_id of a layer, whose ids are contiguous."""
    bound = "SELECT {}(neuron_id) FROM neuron_statistics WHERE key_id = ? AND layer = ?"
    first, last = (connection.rows(bound.format(end), (key_id, layer))[0][0] for end in ("min", "max"))
    return first, last


def _page_sql(order: NeuronOrder, direction: str) -> str:
    if order is NeuronOrder.LAYER:
        return f"""SELECT {STATISTICS} FROM neurons
            WHERE key_id = ? AND neuron_id >= ? AND neuron_id < ? ORDER BY neuron_id {direction}"""
    return f"""SELECT {STATISTICS} FROM neuron_ranks AS ranked
        JOIN neurons ON neurons.key_id = ranked.key_id AND neurons.neuron_id = ranked.by_{order}
        WHERE ranked.key_id = ? AND rank >= ? AND rank < ? ORDER BY rank {direction}"""


_INSERT_NEURON = f"INSERT INTO neuron_statistics VALUES ({', '.join('?' * 11)})"
_INSERT_CONTEXT = "INSERT OR IGNORE INTO token_contexts VALUES (?, ?, ?, ?)"
_INSERT_ORDER = f"""INSERT INTO neuron_ranks (key_id, rank, {", ".join(f"by_{order}" for order in SORTED_BY)})
    VALUES ({", ".join("?" * (2 + len(SORTED_BY)))})"""


def _row(neuron_id: int, neuron: NeuronStatistics) -> tuple[Any, ...]:
    """Values in the order of the table's columns, without the key."""
    figures = (neuron.count, neuron.mean, neuron.variance, neuron.peak, neuron.peak_sequence, neuron.peak_position)
    return (neuron_id, neuron.layer, neuron.neuron, *figures, neuron.share_active)


def _contexts(some: list[tuple[int, NeuronStatistics]]) -> set[tuple[int, int, str]]:
    """Each distinct peak with its text."""
    return {(neuron.peak_sequence, neuron.peak_position, neuron.peak_context) for _, neuron in some}


def _orders(db: "Database", key_id: int) -> Iterator[tuple[int, ...]]:
    """Yield, for each rank, the neuron_id of that rank by each sort key."""
    sql = "SELECT neuron_id FROM neuron_statistics WHERE key_id = ? ORDER BY {}, neuron_id"
    cursors = [db.conn.execute(sql.format(expression), (key_id,)) for expression in SORTED_BY.values()]
    for same_rank in zip(*cursors, strict=True):
        yield tuple(neuron_id for (neuron_id,) in same_rank)


def statistics_from(row: tuple[Any, ...]) -> NeuronStatistics:
    """Return the neuron of a row with the columns STATISTICS."""
    layer, neuron, count, mean, variance, peak, sequence, position, context, share = row
    mean, variance, peak, share = map(as_float, (mean, variance, peak, share))
    return NeuronStatistics(layer, neuron, count, mean, variance, peak, sequence, position, context or "", share)


class Column(StrEnum):
    """Columns that neurons can be filtered by."""

    LAYER = "layer"
    NEURON = "neuron"
    COUNT = "count"
    MEAN = "mean"
    VARIANCE = "variance"
    PEAK = "peak"
    """Absolute value of the peak."""
    SHARE_ACTIVE = "share_active"


@dataclass(frozen=True, slots=True)
class Between:
    """A filter for values in a closed interval."""

    column: Column
    low: float | None
    """Lower bound, or None for no bound."""
    high: float | None


@dataclass(frozen=True, slots=True)
class PeaksAt:
    """A filter for peaks whose text contains these words, ignoring case."""

    words: str


Condition = Between | PeaksAt


def matching_neurons(
    connection: StoreConnection,
    key: MeasurementKey,
    conditions: Sequence[Condition],
    order: NeuronOrder = NeuronOrder.LAYER,
    *,
    descending: bool = False,
) -> "array[int]":
    """Return the sorted ids (8 bytes each) of all neurons that meet every condition, for `neurons_at`."""
    key_id = find_key_id(connection, key)
    wheres, parameters = ["key_id = ?"], [key_id]
    for condition in conditions:
        sql, values = _where(condition, key_id)
        wheres.append(sql)
        parameters += values
    direction = "DESC" if descending else "ASC"
    sorting = f"{SORTED_BY.get(order, 'neuron_id')} {direction}, neuron_id {direction}"
    sql = f"SELECT neuron_id FROM neuron_statistics WHERE {' AND '.join(wheres)} ORDER BY {sorting}"
    return array("q", (neuron_id for (neuron_id,) in connection.rows(sql, tuple(parameters))))


def neurons_at(connection: StoreConnection, key: MeasurementKey, ids: Sequence[int]) -> tuple[NeuronStatistics, ...]:
    """Return the neurons with these ids, in the order given; unknown ids are skipped."""
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT neuron_id, {STATISTICS} FROM neurons WHERE key_id = ? AND neuron_id IN ({marks})"
    rows = connection.rows(sql, (find_key_id(connection, key), *ids))
    known = {neuron_id: statistics_from(tuple(row)) for neuron_id, *row in rows}
    return tuple(known[neuron_id] for neuron_id in ids if neuron_id in known)


def _where(condition: Condition, key_id: int | None) -> tuple[str, list[Any]]:
    match condition:
        case PeaksAt(words):
            peaks = "SELECT sequence, position FROM token_contexts WHERE key_id = ? AND instr(lower(context), lower(?))"
            return f"(peak_sequence, peak_position) IN ({peaks})", [key_id, words]
        case Between(column, low, high):
            figure = "abs(peak)" if column is Column.PEAK else str(column)
            bounds = [(">=", low), ("<=", high)]
            given = [(sign, bound) for sign, bound in bounds if bound is not None]
            sql = " AND ".join(f"{figure} {sign} ?" for sign, _ in given) or "1"
            return sql, [bound for _, bound in given]
