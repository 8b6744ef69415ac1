"""What a measurement depends on, as the key under which it is found again."""

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import connection_of

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class ProfileKey:
    """Two measurements with equal keys are the same measurement."""

    fingerprint: str
    """Of the checkpoint, or of all that a plan takes from."""
    tokenizer: str
    """Identity of the tokenizer."""
    text_sha256: str
    """SHA-256 of the whole text, both splits."""
    split: str
    """Split that was measured: "selection" or "heldout"."""
    tokens: int
    """Asked for; a measurement says itself how many it got."""
    seq_len: int
    dtype: str
    """Of the computation, e.g. "float32"."""
    versions: str
    """Of torch, transformers and the metrics, as a short text."""


KEY_COLUMNS = tuple(field.name for field in fields(ProfileKey))
_IS_KEY = " AND ".join(f"{column} = ?" for column in KEY_COLUMNS)


def find_key_id(connection: StoreConnection, key: ProfileKey) -> int | None:
    """The id under which measurements refer to `key`; None when there are none."""
    found = connection.row(f"SELECT id FROM measurement_keys WHERE {_IS_KEY}", astuple(key))
    return None if found is None else found[0]


def key_id_of(db: "Database", key: ProfileKey) -> int:
    """The id of `key`, which is recorded if it is new. Inside a transaction."""
    marks = ", ".join("?" * len(KEY_COLUMNS))
    db.execute(f"INSERT OR IGNORE INTO measurement_keys ({', '.join(KEY_COLUMNS)}) VALUES ({marks})", astuple(key))
    found = find_key_id(connection_of(db), key)
    assert found is not None
    return found
