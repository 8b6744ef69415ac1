"""Statistics of layers and of blocks of layers."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING

from engine.errors import shown
from engine.store.connection import StoreConnection
from engine.store.failures import damaged
from engine.store.keys import ProfileKey, find_key_id

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """What one layer does to the residual stream: means over all tokens. nan where a figure is undefined."""

    layer: int
    block_influence: float
    """1 - cosine of the layer's input and output."""
    relative_update: float
    """Norm of (output - input) / norm of the input."""
    update_norm: float
    input_norm: float


@dataclass(frozen=True, slots=True)
class BlockAngle:
    """How far a block of layers start..end-1 turns the residual stream."""

    start: int
    end: int
    angular_distance: float
    """arccos(cosine of boundaries start and end) / pi, mean over all tokens: 0 to 1."""


@dataclass(frozen=True, slots=True)
class LayerHistogram:
    """How log2 |x| is distributed over the MLP activations x of one layer."""

    layer: int
    low: float
    """Lower edge of the first bin, which also counts everything below."""
    high: float
    """Upper edge of the last bin, which also counts everything above. All bins are equally wide."""
    counts: tuple[int, ...]


def save_layers(db: "Database", key_id: int, layers: Iterable[LayerStatistics]) -> None:
    """Inside a transaction."""
    db.table("layer_statistics").insert_all({"key_id": key_id, **asdict(layer)} for layer in layers)


def save_angles(db: "Database", key_id: int, angles: Iterable[BlockAngle]) -> None:
    """Inside a transaction."""
    columns = ("key_id", "start_layer", "end_layer", "angular_distance")
    rows = (dict(zip(columns, (key_id, *astuple(angle)), strict=True)) for angle in angles)
    db.table("block_angles").insert_all(rows)


def save_histograms(db: "Database", key_id: int, histograms: Iterable[LayerHistogram]) -> None:
    """Inside a transaction."""
    rows = ({"key_id": key_id, **asdict(found), "counts": json.dumps(found.counts)} for found in histograms)
    db.table("layer_histograms").insert_all(rows)


def find_layers(connection: StoreConnection, key: ProfileKey) -> tuple[LayerStatistics, ...]:
    """In order; empty when there is no such profile."""
    sql = """SELECT layer, block_influence, relative_update, update_norm, input_norm
        FROM layer_statistics WHERE key_id = ? ORDER BY layer"""
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return tuple(LayerStatistics(layer, *map(as_float, figures)) for layer, *figures in rows)


def find_angles(connection: StoreConnection, key: ProfileKey) -> tuple[BlockAngle, ...]:
    """By start, then end; empty when there is no such profile."""
    sql = """SELECT start_layer, end_layer, angular_distance
        FROM block_angles WHERE key_id = ? ORDER BY start_layer, end_layer"""
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return tuple(BlockAngle(start, end, as_float(angle)) for start, end, angle in rows)


def find_histograms(connection: StoreConnection, key: ProfileKey) -> tuple[LayerHistogram, ...]:
    """In order of layers; empty when there is no such profile."""
    sql = "SELECT layer, low, high, counts FROM layer_histograms WHERE key_id = ? ORDER BY layer"
    rows = connection.rows(sql, (find_key_id(connection, key),))
    try:
        return tuple(LayerHistogram(layer, low, high, tuple(json.loads(counts))) for layer, low, high, counts in rows)
    except (ValueError, TypeError) as error:
        raise damaged(connection.path, why=f"a histogram is not a list of counts ({shown(error)})") from error


def as_float(figure: float | None) -> float:
    """SQLite keeps nan as NULL."""
    return math.nan if figure is None else figure
