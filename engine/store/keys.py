"""Keys of measurements: everything that a measurement depends on."""

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import connection_of

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class MeasurementKey:
    """Two measurements with equal keys are the same measurement."""

    fingerprint: str
    """Fingerprint of the checkpoint, or of all checkpoints of a plan."""
    tokenizer: str
    """Identity of the tokenizer."""
    text_sha256: str
    """SHA-256 of the whole text, both splits."""
    split: str
    """Split that was measured: "selection" or "heldout"."""
    tokens: int
    """Maximum number of tokens; the measurement holds the actual number."""
    seq_len: int
    dtype: str
    """Data type of the computation, e.g. "float32"."""
    versions: str
    """Versions of torch, transformers and the metrics."""


KEY_COLUMNS = tuple(field.name for field in fields(MeasurementKey))
_IS_KEY = " AND ".join(f"{column} = ?" for column in KEY_COLUMNS)


def find_key_id(connection: StoreConnection, key: MeasurementKey) -> int | None:
    """Return the id of `key`, which measurements refer to; None if it is not in the store."""
    row = connection.row(f"SELECT id FROM measurement_keys WHERE {_IS_KEY}", astuple(key))
    return None if row is None else row[0]


def key_id_of(db: "Database", key: MeasurementKey) -> int:
    """Return the id of `key`, adding it if it is new. Call inside a transaction."""
    marks = ", ".join("?" * len(KEY_COLUMNS))
    db.execute(f"INSERT OR IGNORE INTO measurement_keys ({', '.join(KEY_COLUMNS)}) VALUES ({marks})", astuple(key))
    key_id = find_key_id(connection_of(db), key)
    assert key_id is not None
    return key_id
