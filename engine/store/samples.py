"""Samples: the sequences of a text that were measured, and checks of the base on them."""

import json
from dataclasses import asdict, astuple, dataclass, fields
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.floats import as_float
from engine.store.keys import MeasurementKey, find_key_id, key_id_of

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class SampleRow:
    """Origin of the sequences of one key."""

    sequences: int
    tokens: int
    """Number of text tokens."""
    documents: int
    """Number of documents that any of the sequences comes from."""
    documents_in_split: int
    prefix: str
    """The special tokens before each sequence, as text; "" where the tokenizer adds none."""
    notes: tuple[str, ...]
    """Notes for readers of the figures, one sentence each."""


@dataclass(frozen=True, slots=True)
class BaseCheck:
    """NLL of the base on a few sequences under other conditions, in nats per token; nan for conditions not tried."""

    unigram_nll: float
    """NLL of a unigram model of the sample's own tokens."""
    own_prefix: str
    """Special tokens that the tokenizer puts before a text, or ""."""
    other_prefix: str
    own_nll: float
    other_nll: float
    """NLL of the same tokens in sequences with the other prefix."""
    short_tokens: int
    """Tokens in a sequence."""
    short_nll: float
    long_nll: float
    """NLL of the same tokens in sequences of twice the length."""


def save_sample(db: "Database", key: MeasurementKey, row: SampleRow) -> None:
    """Save the origin of a key's sequences, unless it is known."""
    with transaction(db):
        *figures, notes = astuple(row)
        sql = f"INSERT OR IGNORE INTO samples (key_id, {_names(SampleRow)}) VALUES ({', '.join('?' * 7)})"
        db.execute(sql, (key_id_of(db, key), *figures, json.dumps(notes)))


def find_sample(connection: StoreConnection, key: MeasurementKey) -> SampleRow | None:
    row = connection.row(f"SELECT {_names(SampleRow)} FROM samples WHERE key_id = ?", (find_key_id(connection, key),))
    if row is None:
        return None
    sequences, tokens, documents, in_half, prefix, notes = row
    return SampleRow(sequences, tokens, documents, in_half, prefix, tuple(json.loads(notes)))


def save_base_check(db: "Database", key: MeasurementKey, check: BaseCheck) -> None:
    """Save the check of a key's base, unless it is known."""
    with transaction(db):
        sql = f"INSERT OR IGNORE INTO base_checks (key_id, {_names(BaseCheck)}) VALUES ({', '.join('?' * 9)})"
        db.execute(sql, (key_id_of(db, key), *astuple(check)))


def find_base_check(connection: StoreConnection, key: MeasurementKey) -> BaseCheck | None:
    row = connection.row(
        f"SELECT {_names(BaseCheck)} FROM base_checks WHERE key_id = ?", (find_key_id(connection, key),)
    )
    if row is None:
        return None
    unigram, own_prefix, other_prefix, own, other, tokens, short, long = row
    return BaseCheck(
        *(as_float(unigram), own_prefix, other_prefix, as_float(own), as_float(other)),
        *(tokens, as_float(short), as_float(long)),
    )


def sample_answer(row: SampleRow | None) -> dict[str, object] | None:
    """Format a sample as in a task's result."""
    return None if row is None else asdict(row)


def _names(of: type[SampleRow] | type[BaseCheck]) -> str:
    return ", ".join(field.name for field in fields(of))
