"""Measurements of plans in sweeps: per-token losses and their summary, partial results, and answers to probes."""

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.floats import as_float, packed, unpacked
from engine.store.keys import ProfileKey, find_key_id, key_id_of

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class PlanMeasurement:
    """One plan on S sequences; nats per token, differences are plan minus base. nan where it computed no number."""

    visits: str
    """Layers from bottom to top, as the table says."""
    nll: float
    delta_nll: float
    se: float
    """Standard error of delta_nll over sequences."""
    low: float
    """Of the 95 % interval of delta_nll."""
    high: float
    p: float
    """Two-sided, of the paired t-test; not adjusted. 1 where there is no number."""
    kl: float
    """From the base's prediction to the plan's."""
    top1_agreement: float
    """Share of tokens."""
    sequences: int
    token_nll: "array[float]" = field(repr=False)
    """[S * (T - 1)], sequence by sequence. nan where a token does not count (one that the tokenizer puts around texts),
    infinity where the plan computed no number."""

    @property
    def sequence_nll(self) -> list[float]:
        """The mean of each sequence, nats per token."""
        return sequence_means(self.token_nll, self.sequences)

    @property
    def tokens(self) -> int:
        """That count."""
        return sum(not math.isnan(nll) for nll in self.token_nll)

    @property
    def not_finite(self) -> int:
        """How many of them the plan computed no number for."""
        return sum(map(math.isinf, self.token_nll))


def sequence_means(token_nll: "array[float]", sequences: int) -> list[float]:
    """The mean of each sequence over its tokens that count."""
    length = len(token_nll) // sequences
    return [_mean_of_counted(token_nll[start : start + length]) for start in range(0, len(token_nll), length)]


def _mean_of_counted(values: "array[float]") -> float:
    total = math.fsum(values)  # nan where one does not count; most sequences have none of those
    if not math.isnan(total):
        return total / len(values)
    counted = [value for value in values if not math.isnan(value)]
    return math.fsum(counted) / len(counted) if counted else math.nan


_COLUMNS = (
    "visits, nll, delta_nll, standard_error, interval_low, interval_high, p, kl, top1_agreement, sequences, token_nll"
)


def save_measurement(db: "Database", key: ProfileKey, figures: PlanMeasurement) -> None:
    """Record a plan's figures; those that are there already are left as they are."""
    sql = f"INSERT OR IGNORE INTO plan_measurements (key_id, {_COLUMNS}, tokens) VALUES ({', '.join('?' * 13)})"
    floats = (figures.nll, figures.delta_nll, figures.se, figures.low, figures.high, figures.p, figures.kl)
    with transaction(db):
        rest = (figures.top1_agreement, figures.sequences, packed(figures.token_nll), figures.tokens)
        db.execute(sql, (key_id_of(db, key), figures.visits, *floats, *rest))


def find_measurements(
    connection: StoreConnection, key: ProfileKey, wanted: Iterable[str]
) -> dict[str, PlanMeasurement]:
    """By visits: those of the wanted that were measured under this key."""
    key_id = find_key_id(connection, key)
    sql = f"SELECT {_COLUMNS} FROM plan_measurements WHERE key_id = ? AND visits = ?"
    rows = (connection.row(sql, (key_id, visits)) for visits in dict.fromkeys(wanted))
    return {row[0]: _figures(row) for row in rows if row is not None}


def measured_visits(connection: StoreConnection, key: ProfileKey) -> frozenset[str]:
    """Which plans were measured under this key."""
    rows = connection.rows("SELECT visits FROM plan_measurements WHERE key_id = ?", (find_key_id(connection, key),))
    return frozenset(visits for (visits,) in rows)


def _figures(row: tuple[Any, ...]) -> PlanMeasurement:
    visits, *floats, sequences, token_nll = row
    nll, delta, se, low, high, p, kl, top1 = map(as_float, floats)
    return PlanMeasurement(visits, nll, delta, se, low, high, p, kl, top1, sequences, unpacked(token_nll))


class PartialResult(NamedTuple):
    """One plan on S consecutive sequences of T tokens."""

    token_nll: "array[float]"
    """[S * (T - 1)], nats, sequence by sequence."""
    kl: "array[float]"
    """[S], nats per token."""
    top1: "array[float]"
    """[S], share of tokens."""


def save_partial(db: "Database", key: ProfileKey, pieces: Mapping[str, tuple[int, PartialResult]]) -> None:
    """Record, for plans by their visits, the number of a piece's first sequence and the piece."""
    sql = "INSERT OR REPLACE INTO partial_results VALUES (?, ?, ?, ?, ?, ?, ?)"
    with transaction(db):
        key_id = key_id_of(db, key)
        rows = (
            (key_id, visits, first_sequence, len(piece.kl), *map(packed, piece))
            for visits, (first_sequence, piece) in pieces.items()
        )
        db.conn.executemany(sql, rows)


def find_partial(connection: StoreConnection, key: ProfileKey, wanted: Iterable[str]) -> dict[str, PartialResult]:
    """Each of the wanted plans with its results from the first sequence on, as far as they have no gap."""
    key_id = find_key_id(connection, key)
    sql = """SELECT first_sequence, token_nll, kl, top1 FROM partial_results
             WHERE key_id = ? AND visits = ? ORDER BY first_sequence"""
    joined = {visits: _joined(connection.rows(sql, (key_id, visits))) for visits in wanted}
    return {visits: result for visits, result in joined.items() if result.kl}


def forget_partial(db: "Database", key: ProfileKey, visits: Iterable[str], kept_sequences: int = 0) -> None:
    """Delete what these plans have beyond their first `kept_sequences`."""
    sql = "DELETE FROM partial_results WHERE key_id = ? AND visits = ? AND first_sequence + sequences > ?"
    with transaction(db):
        key_id = key_id_of(db, key)
        db.conn.executemany(sql, ((key_id, each, kept_sequences) for each in visits))


def _joined(rows: Iterable[tuple[int, bytes, bytes, bytes]]) -> PartialResult:
    whole = PartialResult(array("f"), array("f"), array("f"))
    for first_sequence, *blobs in rows:
        if first_sequence != len(whole.kl):
            break
        for values, blob in zip(whole, blobs, strict=True):
            values.extend(unpacked(blob))
    return whole


PROBE = "probe"
"""Split in the key of a probe."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One plan on every item of a probe, in the probe's order."""

    visits: str
    correct: tuple[bool, ...]
    """Whether it finds the right answer the likeliest."""
    log_likelihoods: "array[float]" = field(repr=False)
    """Of the right answers, nats."""


def save_probe(db: "Database", key: ProfileKey, result: ProbeResult) -> None:
    """Record a plan's answers; those that are there already are left as they are."""
    sql = """INSERT OR IGNORE INTO probe_results (key_id, visits, items, correct, log_likelihoods)
        VALUES (?, ?, ?, ?, ?)"""
    correct = "".join("1" if right else "0" for right in result.correct)
    with transaction(db):
        key_id = key_id_of(db, key)
        db.execute(sql, (key_id, result.visits, len(correct), correct, packed(result.log_likelihoods)))


def find_probes(connection: StoreConnection, key: ProfileKey) -> dict[str, ProbeResult]:
    """By visits: every plan that answered this probe."""
    sql = "SELECT visits, correct, log_likelihoods FROM probe_results WHERE key_id = ?"
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return {
        visits: ProbeResult(visits, tuple(each == "1" for each in correct), unpacked(blob))
        for visits, correct, blob in rows
    }
