"""Partial results of a sweep's plans, piece by piece of the text, so that an interrupted sweep continues within it."""

from array import array
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.keys import ProfileKey, find_key_id, key_id_of
from engine.store.packing import packed, unpacked

if TYPE_CHECKING:
    from sqlite_utils import Database


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
