"""Checkpoints that were measured."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import transaction

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One checkpoint."""

    fingerprint: str
    reference: str
    """Path or hub id under which it was opened last."""
    model_type: str
    """Model type in the config; "" if the config has none."""
    layers: int
    hidden_size: int | None
    parameters: int
    nbytes: int
    """Size of the stored weights in bytes."""


_SELECT = "SELECT fingerprint, reference, model_type, layers, hidden_size, parameters, bytes FROM models"


def save_model(db: "Database", model: ModelRow) -> None:
    """Save a checkpoint; a known one gets its new reference."""
    row = asdict(model)
    row["bytes"] = row.pop("nbytes")
    with transaction(db):
        db.table("models").upsert(row, pk="fingerprint")


def find_model(connection: StoreConnection, fingerprint: str) -> ModelRow | None:
    row = connection.row(f"{_SELECT} WHERE fingerprint = ?", (fingerprint,))
    return None if row is None else ModelRow(*row)


def all_models(connection: StoreConnection) -> tuple[ModelRow, ...]:
    """Return all checkpoints, the newest first."""
    return tuple(ModelRow(*row) for row in connection.rows(f"{_SELECT} ORDER BY rowid DESC"))
