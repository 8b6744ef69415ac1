"""What a sweep has measured of plans so far, so that one which is interrupted goes on in the middle of the text."""

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.keys import ProfileKey, find_key_id, key_id_of
from engine.store.packing import packed, unpacked

if TYPE_CHECKING:
    from sqlite_utils import Database


class BegunFigures(NamedTuple):
    """One plan on the first S sequences of T tokens."""

    token_nll: "array[float]"
    """[S * (T - 1)], nats, sequence by sequence."""
    kl: "array[float]"
    """[S], nats per token."""
    top1: "array[float]"
    """[S], share of tokens."""


def save_begun(db: "Database", key: ProfileKey, visits: str, figures: BegunFigures) -> None:
    """Record how far a plan is, in place of how far it was."""
    sql = "INSERT OR REPLACE INTO begun_figures (key_id, visits, token_nll, kl, top1) VALUES (?, ?, ?, ?, ?)"
    with transaction(db):
        db.execute(sql, (key_id_of(db, key), visits, *map(packed, figures)))


def find_begun(connection: StoreConnection, key: ProfileKey, wanted: Iterable[str]) -> dict[str, BegunFigures]:
    """By visits: those of the wanted that were begun under this key, and not finished."""
    key_id = find_key_id(connection, key)
    sql = "SELECT token_nll, kl, top1 FROM begun_figures WHERE key_id = ? AND visits = ?"
    rows = ((visits, connection.row(sql, (key_id, visits))) for visits in wanted)
    return {visits: BegunFigures(*map(unpacked, row)) for visits, row in rows if row is not None}


def forget_begun(db: "Database", key: ProfileKey, wanted: Iterable[str]) -> None:
    """They are measured to the end, or not any further."""
    with transaction(db):
        key_id = key_id_of(db, key)
        sql = "DELETE FROM begun_figures WHERE key_id = ? AND visits = ?"
        db.conn.executemany(sql, ((key_id, visits) for visits in wanted))
