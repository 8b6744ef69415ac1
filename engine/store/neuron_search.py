"""Looks for neurons by their figures and by the text at which they peak: in all of them, millions in seconds."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.store.connection import StoreConnection
from engine.store.keys import ProfileKey, find_key_id
from engine.store.neurons import SORTED_BY, STATISTICS, NeuronOrder, NeuronStatistics, statistics_from


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
