"""How well cheap metrics of blocks ranked what a sweep measured."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.layers import as_float

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Ranking:
    """One metric against the measured harm of repeating the same blocks."""

    metric: str
    width: int
    """Layers in the blocks; 0 for all widths together."""
    blocks: int
    """How many were ranked."""
    spearman: float
    """With delta NLL, -1 to 1; nan where it is undefined."""


def save_rankings(db: "Database", sweep_id: int, rankings: Iterable[Ranking]) -> None:
    """Record them; those that are there already are left as they are."""
    with transaction(db):
        rows = ((sweep_id, *astuple(ranking)) for ranking in rankings)
        db.conn.executemany("INSERT OR IGNORE INTO sweep_rankings VALUES (?, ?, ?, ?, ?)", rows)


def find_rankings(connection: StoreConnection, sweep_id: int) -> tuple[Ranking, ...]:
    """All widths together first, then the narrowest blocks; by metric."""
    sql = """SELECT metric, width, blocks, spearman FROM sweep_rankings WHERE sweep_id = ? ORDER BY width, metric"""
    return tuple(
        Ranking(metric, width, blocks, as_float(found))
        for metric, width, blocks, found in connection.rows(sql, (sweep_id,))
    )
