"""What plans of a checkpoint answered to the items of a probe."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.keys import ProfileKey, find_key_id, key_id_of
from engine.store.packing import packed, unpacked

if TYPE_CHECKING:
    from array import array

    from sqlite_utils import Database

PROBE = "probe"
"""Split in the key of a probe."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One plan on every item of a probe, in the probe's order."""

    visits: str
    rights: tuple[bool, ...]
    """Whether it finds the right answer the likeliest."""
    log_likelihoods: "array[float]" = field(repr=False)
    """Of the right answers, nats."""


def save_probe(db: "Database", key: ProfileKey, result: ProbeResult) -> None:
    """Record a plan's answers; those that are there already are left as they are."""
    sql = """INSERT OR IGNORE INTO probe_results (key_id, visits, items, rights, log_likelihoods)
        VALUES (?, ?, ?, ?, ?)"""
    rights = "".join("1" if right else "0" for right in result.rights)
    with transaction(db):
        key_id = key_id_of(db, key)
        db.execute(sql, (key_id, result.visits, len(rights), rights, packed(result.log_likelihoods)))


def find_probes(connection: StoreConnection, key: ProfileKey) -> dict[str, ProbeResult]:
    """By visits: every plan that answered this probe."""
    sql = "SELECT visits, rights, log_likelihoods FROM probe_results WHERE key_id = ?"
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return {
        visits: ProbeResult(visits, tuple(each == "1" for each in rights), unpacked(blob))
        for visits, rights, blob in rows
    }
