"""Comparisons of two checkpoints, tensor by tensor."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.database import transaction

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """One tensor of B against its counterpart in A, the base. Shares are of 1; None is a value without a meaning."""

    name: str
    """Name in B."""
    base_name: str
    layer: int | None
    """Layer of B; None outside the layers."""
    base_layer: int | None
    type: str
    """Type of the tensor, e.g. "self_attn.q_proj"."""
    group: str
    """ "originals", "first copies", ...; "" where no layer is repeated."""
    elements: int
    relative: float | None
    """rms over base_rms; None if that is 0 and the difference is not."""
    base_rms: float | None
    """Root mean square of the base's tensor as it is stored."""
    rms: float | None
    """Root mean square of B minus the base, which is scaled as the plan says."""
    max: float | None
    """Largest magnitude of B minus the base."""
    cosine: float | None
    identical: float
    """Share of elements that are equal bit by bit."""
    sign_flips: float
    """Share of elements that are positive in one and negative in the other."""
    factor: float
    """Scale that the plan gives the base's tensor; 1.0 where it gives none."""
    fit: float | None
    """Factor by which the base's tensor as it is stored fits B best (least squares)."""
    not_finite: int = 0
    """Number of elements that are left out because they are NaN or infinite."""
    rows_left: int = 0
    """Number of rows without a counterpart, where the vocabularies differ."""
    stable_rank: float | None = None
    effective_rank: float | None = None
    energy: tuple[float, ...] = ()
    """Share of the sum of squares in the first 1, 2, ... singular values; empty if no spectrum was computed."""


@dataclass(frozen=True, slots=True)
class UnpairedTensor:
    """A tensor that was not compared."""

    name: str
    side: str
    """ "a", "b" or "both"."""
    reason: str


@dataclass(frozen=True, slots=True)
class ComparisonKey:
    """Identity of a comparison."""

    sha256: str
    """Hash of everything that the values depend on."""
    files: str
    """Hash of sizes and times of the files that were read, because fingerprints only sample them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A."""

    key: ComparisonKey
    a_reference: str
    b_reference: str
    a_fingerprint: str
    b_fingerprint: str
    pairing: str
    """ "position", "plan" or "copies"."""
    pairing_reason: str
    layers: int
    """Number of layers of B."""
    tensors: tuple[TensorDifference, ...] = ()
    unpaired: tuple[UnpairedTensor, ...] = ()


_COLUMNS = "sha256, files, a_reference, b_reference, a_fingerprint, b_fingerprint, pairing, pairing_reason, layers"
_TENSOR_COLUMNS = ", ".join(
    "layer_group" if field.name == "group" else field.name for field in fields(TensorDifference)
)


def save_comparison(db: "Database", comparison: Comparison) -> None:
    """Save a comparison in place of an earlier one of the same key."""
    with transaction(db):
        db.execute("DELETE FROM comparisons WHERE sha256 = ?", (comparison.key.sha256,))
        heads = (*astuple(comparison.key), *_heads(comparison))
        row = db.execute(f"INSERT INTO comparisons ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?) RETURNING id", heads)
        ((comparison_id,),) = row.fetchall()
        marks = ", ".join("?" * (2 + len(fields(TensorDifference))))
        db.conn.executemany(
            f"INSERT INTO tensor_differences (comparison_id, number, {_TENSOR_COLUMNS}) VALUES ({marks})",
            ((comparison_id, number, *_values(each)) for number, each in enumerate(comparison.tensors)),
        )
        db.conn.executemany(
            "INSERT INTO unpaired_tensors VALUES (?, ?, ?, ?, ?)",
            ((comparison_id, number, *astuple(each)) for number, each in enumerate(comparison.unpaired)),
        )


def find_comparison(connection: StoreConnection, key: ComparisonKey) -> Comparison | None:
    """Return the comparison of a key; None if it was not made, or if the files have changed since."""
    sql = f"SELECT id, {_COLUMNS} FROM comparisons WHERE sha256 = ? AND files = ?"
    row = connection.row(sql, (key.sha256, key.files))
    return None if row is None else _comparison(connection, row)


def comparisons_of(connection: StoreConnection, fingerprint: str) -> tuple[Comparison, ...]:
    """Return the comparisons with a checkpoint as B, the newest first."""
    sql = f"SELECT id, {_COLUMNS} FROM comparisons WHERE b_fingerprint = ? ORDER BY compared_at DESC, id DESC"
    return tuple(_comparison(connection, row) for row in connection.rows(sql, (fingerprint,)))


def _heads(comparison: Comparison) -> tuple[Any, ...]:
    return (
        *(comparison.a_reference, comparison.b_reference, comparison.a_fingerprint, comparison.b_fingerprint),
        *(comparison.pairing, comparison.pairing_reason, comparison.layers),
    )


def _values(tensor: TensorDifference) -> Iterable[Any]:
    *values, energy = astuple(tensor)
    return (*values, json.dumps(energy) if energy else None)


def _comparison(connection: StoreConnection, row: tuple[Any, ...]) -> Comparison:
    comparison_id, sha256, files, *heads = row
    tensors = connection.rows(
        f"SELECT {_TENSOR_COLUMNS} FROM tensor_differences WHERE comparison_id = ? ORDER BY number", (comparison_id,)
    )
    unpaired = connection.rows(
        "SELECT name, side, reason FROM unpaired_tensors WHERE comparison_id = ? ORDER BY number", (comparison_id,)
    )
    return replace(
        Comparison(ComparisonKey(sha256, files), *heads),
        tensors=tuple(_tensor(values) for values in tensors),
        unpaired=tuple(UnpairedTensor(*values) for values in unpaired),
    )


def _tensor(row: tuple[Any, ...]) -> TensorDifference:
    *values, energy = row
    return replace(TensorDifference(*values), energy=tuple(json.loads(energy)) if energy else ())
