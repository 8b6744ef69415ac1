"""Measurements of plans in sweeps: per-token losses and their summary, partial results, and answers to probes."""

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.floats import as_float, packed, unpacked
from engine.store.keys import MeasurementKey, find_key_id, key_id_of

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class PlanMeasurement:
    """One plan on S sequences; nats per token, differences are plan minus base. nan where it is undefined."""

    visits: str
    """Layers from bottom to top, e.g. "0-16 12-16*0.5"."""
    nll: float
    delta_nll: float
    se: float
    """Standard error of delta_nll over sequences."""
    low: float
    """Lower bound of the 95 % interval of delta_nll."""
    high: float
    p: float
    """Two-sided p-value of the paired t-test, not adjusted; 1 where it is undefined."""
    kl: float
    """KL divergence from the base's to the plan's predictions."""
    top1_agreement: float
    """Share of tokens with the same most likely prediction."""
    sequences: int
    token_nll: "array[float]" = field(repr=False)
    """[S * (T - 1)], sequence by sequence. nan for tokens that are not scored (special tokens around texts), infinity
    where the plan computed NaN."""

    @property
    def sequence_nll(self) -> list[float]:
        """Mean of each sequence, nats per token."""
        return sequence_means(self.token_nll, self.sequences)

    @property
    def tokens(self) -> int:
        """Number of scored tokens."""
        return sum(not math.isnan(nll) for nll in self.token_nll)

    @property
    def not_finite(self) -> int:
        """Number of scored tokens for which the plan computed NaN."""
        return sum(map(math.isinf, self.token_nll))


def sequence_means(token_nll: "array[float]", sequences: int) -> list[float]:
    """Mean of each sequence over its scored tokens."""
    length = len(token_nll) // sequences
    return [_mean_of_counted(token_nll[start : start + length]) for start in range(0, len(token_nll), length)]


def _mean_of_counted(values: "array[float]") -> float:
    total = math.fsum(values)  # nan where a token is not scored; most sequences have no such token
    if not math.isnan(total):
        return total / len(values)
    counted = [value for value in values if not math.isnan(value)]
    return math.fsum(counted) / len(counted) if counted else math.nan


_COLUMNS = (
    "visits, nll, delta_nll, standard_error, interval_low, interval_high, p, kl, top1_agreement, sequences, token_nll"
)


def save_measurement(db: "Database", key: MeasurementKey, figures: PlanMeasurement) -> None:
    """Save a plan's measurement; an existing one is kept."""
    sql = f"INSERT OR IGNORE INTO plan_measurements (key_id, {_COLUMNS}, tokens) VALUES ({', '.join('?' * 13)})"
    floats = (figures.nll, figures.delta_nll, figures.se, figures.low, figures.high, figures.p, figures.kl)
    with transaction(db):
        rest = (figures.top1_agreement, figures.sequences, packed(figures.token_nll), figures.tokens)
        db.execute(sql, (key_id_of(db, key), figures.visits, *floats, *rest))


def find_measurements(
    connection: StoreConnection, key: MeasurementKey, plans: Iterable[str]
) -> dict[str, PlanMeasurement]:
    """Return the measurements under this key of the plans that have these visits, by visits."""
    key_id = find_key_id(connection, key)
    sql = f"SELECT {_COLUMNS} FROM plan_measurements WHERE key_id = ? AND visits = ?"
    rows = (connection.row(sql, (key_id, visits)) for visits in dict.fromkeys(plans))
    return {row[0]: _figures(row) for row in rows if row is not None}


def measured_visits(connection: StoreConnection, key: MeasurementKey) -> frozenset[str]:
    """Return the visits of all plans that were measured under this key."""
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


def save_partial(db: "Database", key: MeasurementKey, pieces: Mapping[str, tuple[int, PartialResult]]) -> None:
    """Save a piece for each plan. pieces: visits, to the index of the piece's first sequence and the piece."""
    sql = "INSERT OR REPLACE INTO partial_results VALUES (?, ?, ?, ?, ?, ?, ?)"
    with transaction(db):
        key_id = key_id_of(db, key)
        rows = (
            (key_id, visits, first_sequence, len(piece.kl), *map(packed, piece))
            for visits, (first_sequence, piece) in pieces.items()
        )
        db.conn.executemany(sql, rows)


def find_partial(connection: StoreConnection, key: MeasurementKey, plans: Iterable[str]) -> dict[str, PartialResult]:
    """Return the results of plans from the first sequence up to the first gap, by visits."""
    key_id = find_key_id(connection, key)
    sql = """SELECT first_sequence, token_nll, kl, top1 FROM partial_results
             WHERE key_id = ? AND visits = ? ORDER BY first_sequence"""
    joined = {visits: _joined(connection.rows(sql, (key_id, visits))) for visits in plans}
    return {visits: result for visits, result in joined.items() if result.kl}


def forget_partial(db: "Database", key: MeasurementKey, visits: Iterable[str], kept_sequences: int = 0) -> None:
    """Delete the results of these plans beyond their first `kept_sequences`."""
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
    """True for each item whose right answer is the most likely one."""
    log_likelihoods: "array[float]" = field(repr=False)
    """Log-likelihoods of the right answers, in nats."""


def save_probe(db: "Database", key: MeasurementKey, result: ProbeResult) -> None:
    """Save a plan's answers; existing ones are kept."""
    sql = """INSERT OR IGNORE INTO probe_results (key_id, visits, items, correct, log_likelihoods)
        VALUES (?, ?, ?, ?, ?)"""
    correct = "".join("1" if right else "0" for right in result.correct)
    with transaction(db):
        key_id = key_id_of(db, key)
        db.execute(sql, (key_id, result.visits, len(correct), correct, packed(result.log_likelihoods)))


def find_probes(connection: StoreConnection, key: MeasurementKey) -> dict[str, ProbeResult]:
    """Return the results of all plans on this probe, by visits."""
    sql = "SELECT visits, correct, log_likelihoods FROM probe_results WHERE key_id = ?"
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return {
        visits: ProbeResult(visits, tuple(each == "1" for each in correct), unpacked(blob))
        for visits, correct, blob in rows
    }
