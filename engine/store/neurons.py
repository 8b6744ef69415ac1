"""Statistics of MLP neurons: millions of rows, read a page at a time in any order, filtered by value or by text."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.floats import as_float
from engine.store.keys import ProfileKey, find_key_id

if TYPE_CHECKING:
    from sqlite_utils import Database


PAGE_ROWS = 200
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class NeuronStatistics:
    """The activations of one MLP neuron, at the input of the down projection."""

    layer: int
    neuron: int
    """Within the layer; experts count on: expert * width + neuron."""
    count: int
    """Activations seen: the tokens, or those that were routed to the expert; with 0 mean and variance are nan."""
    mean: float
    variance: float
    peak: float
    """The activation of largest magnitude, with its sign."""
    peak_sequence: int
    """Which sequence of the measured text it occurred in; -1 for none."""
    peak_position: int
    """Which token of that sequence."""
    peak_context: str
    """The text around that token: the same for all neurons that peak there."""
    share_active: float
    """Share of activations that are not near 0, as the metric defines it."""


class NeuronOrder(StrEnum):
    """What the neuron table can be sorted by; equal figures stand in order of layer and neuron."""

    LAYER = "layer"
    COUNT = "count"
    MEAN = "mean"
    VARIANCE = "variance"
    PEAK = "peak"
    """Its magnitude."""
    SHARE_ACTIVE = "share_active"


SORTED_BY: Mapping[NeuronOrder, str] = {
    NeuronOrder.COUNT: "count",
    NeuronOrder.MEAN: "mean",
    NeuronOrder.VARIANCE: "variance",
    NeuronOrder.PEAK: "abs(peak)",
    NeuronOrder.SHARE_ACTIVE: "share_active",
}
"""The SQL of each order that has to be computed; neuron_id is the order of layers."""

STATISTICS = "layer, neuron, count, mean, variance, peak, peak_sequence, peak_position, peak_context, share_active"
"""Columns of the view `neurons`."""


def save_neurons(db: "Database", key_id: int, neurons: Iterable[NeuronStatistics]) -> None:
    """Inside a transaction; neurons come in order of layer, then neuron."""
    numbered = enumerate(neurons)
    while some := list(islice(numbered, _ROWS_AT_ONCE)):
        # executemany: insert_all of sqlite-utils takes three times as long.
        db.conn.executemany(_INSERT_NEURON, ((key_id, *_row(*one)) for one in some))
        db.conn.executemany(_INSERT_CONTEXT, ((key_id, *context) for context in _contexts(some)))
    db.conn.executemany(_INSERT_ORDER, ((key_id, rank, *ids) for rank, ids in enumerate(_orders(db, key_id))))


def count_neurons(connection: StoreConnection, key: ProfileKey) -> int:
    """How many neurons the profile has; 0 when there is no such profile."""
    sql = "SELECT max(neuron_id) + 1 FROM neuron_statistics WHERE key_id = ?"
    ((found,),) = connection.rows(sql, (find_key_id(connection, key),))
    return found or 0


def neuron_page(
    connection: StoreConnection,
    key: ProfileKey,
    order: NeuronOrder = NeuronOrder.LAYER,
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = PAGE_ROWS,
) -> tuple[NeuronStatistics, ...]:
    """`limit` rows of the profile's whole neuron table from row `offset` on; as fast at the end as at the start."""
    first = count_neurons(connection, key) - offset - limit if descending else offset
    span = (find_key_id(connection, key), max(first, 0), first + limit)
    rows = connection.rows(_page_sql(order, "DESC" if descending else "ASC"), span)
    return tuple(map(statistics_from, rows))


def layer_page(
    connection: StoreConnection,
    key: ProfileKey,
    layer: int,
    order: NeuronOrder = NeuronOrder.LAYER,
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = PAGE_ROWS,
) -> tuple[NeuronStatistics, ...]:
    """The same for the neurons of one layer alone, which are sorted anew each time."""
    id_of_key = find_key_id(connection, key)
    sql = _layer_page_sql(order, "DESC" if descending else "ASC")
    rows = connection.rows(sql, (id_of_key, *_span_of_layer(connection, id_of_key, layer), limit, offset, id_of_key))
    return tuple(map(statistics_from, rows))


def first_of_layer(connection: StoreConnection, key: ProfileKey, layer: int) -> int | None:
    """In the order of layers, the row where a layer begins; None where the profile has no neuron of it."""
    first, _ = _span_of_layer(connection, find_key_id(connection, key), layer)
    return first


def _span_of_layer(connection: StoreConnection, key_id: int | None, layer: int) -> tuple[int | None, int | None]:
    """The first and the last neuron_id of a layer, which has all in between."""
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


def _layer_page_sql(order: NeuronOrder, direction: str) -> str:
    """Sorts before it joins: a layer's neurons are many, a page's are few."""
    sorting = f"ORDER BY {SORTED_BY.get(order, 'neuron_id')} {direction}, neuron_id {direction}"
    return f"""SELECT {STATISTICS} FROM (
            SELECT neuron_id FROM neuron_statistics
            WHERE key_id = ? AND neuron_id BETWEEN ? AND ? {sorting} LIMIT ? OFFSET ?
        ) AS page JOIN neurons ON neurons.key_id = ? AND neurons.neuron_id = page.neuron_id
        {sorting.replace("neuron_id", "neurons.neuron_id")}"""


_INSERT_NEURON = f"INSERT INTO neuron_statistics VALUES ({', '.join('?' * 11)})"
_INSERT_CONTEXT = "INSERT OR IGNORE INTO token_contexts VALUES (?, ?, ?, ?)"
_INSERT_ORDER = f"""INSERT INTO neuron_ranks (key_id, rank, {", ".join(f"by_{order}" for order in SORTED_BY)})
    VALUES ({", ".join("?" * (2 + len(SORTED_BY)))})"""


def _row(neuron_id: int, found: NeuronStatistics) -> tuple[Any, ...]:
    """In the order of the table's columns, without the key."""
    figures = (found.count, found.mean, found.variance, found.peak, found.peak_sequence, found.peak_position)
    return (neuron_id, found.layer, found.neuron, *figures, found.share_active)


def _contexts(some: list[tuple[int, NeuronStatistics]]) -> set[tuple[int, int, str]]:
    """Each place where a neuron peaks, once."""
    return {(found.peak_sequence, found.peak_position, found.peak_context) for _, found in some}


def _orders(db: "Database", key_id: int) -> Iterator[tuple[int, ...]]:
    """For each rank the neuron_id that has it, in each order."""
    sql = "SELECT neuron_id FROM neuron_statistics WHERE key_id = ? ORDER BY {}, neuron_id"
    cursors = [db.conn.execute(sql.format(expression), (key_id,)) for expression in SORTED_BY.values()]
    for same_rank in zip(*cursors, strict=True):
        yield tuple(neuron_id for (neuron_id,) in same_rank)


def statistics_from(row: tuple[Any, ...]) -> NeuronStatistics:
    """From the columns STATISTICS."""
    layer, neuron, count, mean, variance, peak, sequence, position, context, share = row
    mean, variance, peak, share = map(as_float, (mean, variance, peak, share))
    return NeuronStatistics(layer, neuron, count, mean, variance, peak, sequence, position, context or "", share)


class Column(StrEnum):
    """What a neuron can be looked for by."""

    LAYER = "layer"
    NEURON = "neuron"
    COUNT = "count"
    MEAN = "mean"
    VARIANCE = "variance"
    PEAK = "peak"
    """Its magnitude."""
    SHARE_ACTIVE = "share_active"


@dataclass(frozen=True, slots=True)
class Between:
    """A figure lies between two numbers, both included."""

    column: Column
    low: float | None
    """None: as low as it likes."""
    high: float | None


@dataclass(frozen=True, slots=True)
class PeaksAt:
    """The text around the peak contains these words, in whatever case."""

    words: str


Condition = Between | PeaksAt


def matching_neurons(
    connection: StoreConnection,
    key: ProfileKey,
    conditions: Sequence[Condition],
    order: NeuronOrder = NeuronOrder.LAYER,
    *,
    descending: bool = False,
) -> "array[int]":
    """The ids of all neurons that meet every condition, sorted: eight bytes each. For `neurons_at`."""
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


def neurons_at(connection: StoreConnection, key: ProfileKey, ids: Sequence[int]) -> tuple[NeuronStatistics, ...]:
    """These neurons, in the order of their ids as given; those that there are."""
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT neuron_id, {STATISTICS} FROM neurons WHERE key_id = ? AND neuron_id IN ({marks})"
    rows = connection.rows(sql, (find_key_id(connection, key), *ids))
    known = {neuron_id: statistics_from(tuple(row)) for neuron_id, *row in rows}
    return tuple(known[neuron_id] for neuron_id in ids if neuron_id in known)


def _where(condition: Condition, key_id: int | None) -> tuple[str, list[Any]]:
    match condition:
        case PeaksAt(words):
            found = "SELECT sequence, position FROM token_contexts WHERE key_id = ? AND instr(lower(context), lower(?))"
            return f"(peak_sequence, peak_position) IN ({found})", [key_id, words]
        case Between(column, low, high):
            figure = "abs(peak)" if column is Column.PEAK else str(column)
            bounds = [(">=", low), ("<=", high)]
            given = [(sign, bound) for sign, bound in bounds if bound is not None]
            sql = " AND ".join(f"{figure} {sign} ?" for sign, _ in given) or "1"
            return sql, [bound for _, bound in given]
