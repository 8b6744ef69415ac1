"""Scores: metrics of layers and blocks that need more than the profile's single pass."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.floats import as_float
from engine.store.keys import KEY_COLUMNS, MeasurementKey, find_key_id, key_id_of

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of the block of layers start..end-1."""

    metric: str
    """The metric's name, e.g. "second_pass"."""
    start: int
    end: int
    value: float
    """Value in the metric's unit."""
    se: float | None
    """Standard error over sequences; None where the metric has none."""


def save_scores(db: "Database", key: MeasurementKey, scores: Iterable[Score]) -> None:
    """Save all of these scores or none. Existing scores are kept."""
    with transaction(db):
        key_id = key_id_of(db, key)
        rows = ((key_id, score.metric, score.start, score.end, score.value, score.se) for score in scores)
        db.conn.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, ?)", rows)


def find_scores(connection: StoreConnection, key: MeasurementKey, metric: str) -> tuple[Score, ...]:
    """Return the scores of all blocks, sorted by start, then end."""
    sql = """SELECT metric, start_layer, end_layer, value, standard_error
        FROM scores WHERE key_id = ? AND metric = ? ORDER BY start_layer, end_layer"""
    rows = connection.rows(sql, (find_key_id(connection, key), metric))
    return tuple(Score(name, start, end, as_float(value), se) for name, start, end, value, se in rows)


def scored_metrics(connection: StoreConnection, key: MeasurementKey) -> tuple[str, ...]:
    """Return the names of the metrics that have scores."""
    sql = "SELECT DISTINCT metric FROM scores WHERE key_id = ? ORDER BY metric"
    return tuple(metric for (metric,) in connection.rows(sql, (find_key_id(connection, key),)))


def scored_keys(connection: StoreConnection, fingerprint: str) -> tuple[MeasurementKey, ...]:
    """Return the keys of a checkpoint's scores, the newest first; there may be scores without a profile."""
    columns = ", ".join(KEY_COLUMNS)
    sql = f"""SELECT {columns} FROM measurement_keys WHERE fingerprint = ? AND id IN (SELECT key_id FROM scores)
        ORDER BY id DESC"""
    return tuple(MeasurementKey(*row) for row in connection.rows(sql, (fingerprint,)))
