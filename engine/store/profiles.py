"""Whole profiles: statistics of layers, blocks and neurons, stored in one transaction and found by their key."""

import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import shown
from engine.store.connection import StoreConnection
from engine.store.database import connection_of, transaction
from engine.store.failures import damaged
from engine.store.floats import as_float
from engine.store.keys import KEY_COLUMNS, MeasurementKey, find_key_id, key_id_of
from engine.store.neurons import NeuronStatistics, save_neurons

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """Effect of one layer on the residual stream: means over all tokens, nan where undefined."""

    layer: int
    block_influence: float
    """1 - cosine of the layer's input and output."""
    relative_update: float
    """Norm of (output - input) / norm of the input."""
    update_norm: float
    input_norm: float


@dataclass(frozen=True, slots=True)
class BlockAngle:
    """Angle by which the block of layers start..end-1 turns the residual stream."""

    start: int
    end: int
    angular_distance: float
    """arccos(cosine of boundaries start and end) / pi, mean over all tokens: 0 to 1."""


@dataclass(frozen=True, slots=True)
class LayerHistogram:
    """Histogram of log2 |x| over the MLP activations x of one layer."""

    layer: int
    low: float
    """Lower edge of the first bin, which also counts everything below."""
    high: float
    """Upper edge of the last bin, which also counts everything above. All bins are equally wide."""
    counts: tuple[int, ...]


def save_layers(db: "Database", key_id: int, layers: Iterable[LayerStatistics]) -> None:
    """Save rows; call inside a transaction."""
    db.table("layer_statistics").insert_all({"key_id": key_id, **asdict(layer)} for layer in layers)


def save_angles(db: "Database", key_id: int, angles: Iterable[BlockAngle]) -> None:
    """Save rows; call inside a transaction."""
    columns = ("key_id", "start_layer", "end_layer", "angular_distance")
    rows = (dict(zip(columns, (key_id, *astuple(angle)), strict=True)) for angle in angles)
    db.table("block_angles").insert_all(rows)


def save_histograms(db: "Database", key_id: int, histograms: Iterable[LayerHistogram]) -> None:
    """Save rows; call inside a transaction."""
    rows = ({"key_id": key_id, **asdict(each), "counts": json.dumps(each.counts)} for each in histograms)
    db.table("layer_histograms").insert_all(rows)


def find_layers(connection: StoreConnection, key: MeasurementKey) -> tuple[LayerStatistics, ...]:
    """Return the layers in order; empty if there is no such profile."""
    sql = """SELECT layer, block_influence, relative_update, update_norm, input_norm
        FROM layer_statistics WHERE key_id = ? ORDER BY layer"""
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return tuple(LayerStatistics(layer, *map(as_float, figures)) for layer, *figures in rows)


def find_angles(connection: StoreConnection, key: MeasurementKey) -> tuple[BlockAngle, ...]:
    """Return the blocks sorted by start, then end; empty if there is no such profile."""
    sql = """SELECT start_layer, end_layer, angular_distance
        FROM block_angles WHERE key_id = ? ORDER BY start_layer, end_layer"""
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return tuple(BlockAngle(start, end, as_float(angle)) for start, end, angle in rows)


def find_histograms(connection: StoreConnection, key: MeasurementKey) -> tuple[LayerHistogram, ...]:
    """Return the histograms in order of layers; empty if there is no such profile."""
    sql = "SELECT layer, low, high, counts FROM layer_histograms WHERE key_id = ? ORDER BY layer"
    rows = connection.rows(sql, (find_key_id(connection, key),))
    try:
        return tuple(LayerHistogram(layer, low, high, tuple(json.loads(counts))) for layer, low, high, counts in rows)
    except (ValueError, TypeError) as error:
        raise damaged(connection.path, why=f"a histogram is not a list of counts ({shown(error)})") from error


@dataclass(frozen=True, slots=True)
class ProfileRows:
    """Everything that one pass measured."""

    layers: Iterable[LayerStatistics]
    angles: Iterable[BlockAngle]
    neurons: Iterable[NeuronStatistics]
    """Sorted by layer, then neuron; may be a generator, so that millions need no memory."""
    histograms: Iterable[LayerHistogram]


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile in the store."""

    key: MeasurementKey
    measured_at: str
    """UTC, e.g. "2026-05-09 07:35:25"."""


_SELECT = f"""SELECT {", ".join(KEY_COLUMNS)}, measured_at
    FROM profiles JOIN measurement_keys ON measurement_keys.id = profiles.key_id"""


def save_profile(db: "Database", key: MeasurementKey, rows: ProfileRows) -> None:
    """Save a whole profile in one transaction. An existing profile is kept."""
    with transaction(db):
        if find_profile(connection_of(db), key) is None:
            key_id = key_id_of(db, key)
            db.execute("INSERT INTO profiles (key_id) VALUES (?)", (key_id,))
            save_layers(db, key_id, rows.layers)
            save_angles(db, key_id, rows.angles)
            save_histograms(db, key_id, rows.histograms)
            save_neurons(db, key_id, rows.neurons)


def find_profile(connection: StoreConnection, key: MeasurementKey) -> StoredProfile | None:
    row = connection.row(f"{_SELECT} WHERE key_id = ?", (find_key_id(connection, key),))
    return None if row is None else _stored(row)


def profiles_of(connection: StoreConnection, fingerprint: str) -> tuple[StoredProfile, ...]:
    """Return all profiles of one checkpoint, the newest first."""
    rows = connection.rows(f"{_SELECT} WHERE fingerprint = ? ORDER BY measured_at DESC, key_id DESC", (fingerprint,))
    return tuple(map(_stored, rows))


def _stored(row: tuple[Any, ...]) -> StoredProfile:
    *key, measured_at = row
    return StoredProfile(MeasurementKey(*key), measured_at)
