"""Whole profiles: stored in one transaction, found by their key."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.database import connection_of, transaction
from engine.store.keys import KEY_COLUMNS, ProfileKey, find_key_id, key_id_of
from engine.store.layers import (
    BlockAngle,
    LayerHistogram,
    LayerStatistics,
    save_angles,
    save_histograms,
    save_layers,
)
from engine.store.neurons import NeuronStatistics, save_neurons

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class ProfileRows:
    """Everything that one pass measured, to be stored."""

    layers: Iterable[LayerStatistics]
    angles: Iterable[BlockAngle]
    neurons: Iterable[NeuronStatistics]
    """In order of layer, then neuron; may be computed as it is read, so that millions need no memory."""
    histograms: Iterable[LayerHistogram]


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile that is in the store."""

    key: ProfileKey
    measured_at: str
    """UTC, e.g. "2026-05-09 07:35:25"."""


_SELECT = f"""SELECT {", ".join(KEY_COLUMNS)}, measured_at
    FROM profiles JOIN profile_keys ON profile_keys.id = profiles.key_id"""


def save_profile(db: "Database", key: ProfileKey, rows: ProfileRows) -> None:
    """Store all of a profile or, if the process dies, nothing. A profile that is there already is left as it is."""
    with transaction(db):
        if find_profile(connection_of(db), key) is None:
            key_id = key_id_of(db, key)
            db.execute("INSERT INTO profiles (key_id) VALUES (?)", (key_id,))
            save_layers(db, key_id, rows.layers)
            save_angles(db, key_id, rows.angles)
            save_histograms(db, key_id, rows.histograms)
            save_neurons(db, key_id, rows.neurons)


def find_profile(connection: StoreConnection, key: ProfileKey) -> StoredProfile | None:
    found = connection.row(f"{_SELECT} WHERE key_id = ?", (find_key_id(connection, key),))
    return None if found is None else _stored(found)


def profiles_of(connection: StoreConnection, fingerprint: str) -> tuple[StoredProfile, ...]:
    """Every profile of one checkpoint, the newest first."""
    rows = connection.rows(f"{_SELECT} WHERE fingerprint = ? ORDER BY measured_at DESC, key_id DESC", (fingerprint,))
    return tuple(map(_stored, rows))


def _stored(row: tuple[Any, ...]) -> StoredProfile:
    *key, measured_at = row
    return StoredProfile(ProfileKey(*key), measured_at)
