"""Previews: plans, and what each costs against its base."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.floats import as_float
from engine.store.keys import KEY_COLUMNS, MeasurementKey, key_id_of
from engine.store.samples import BaseCheck, find_base_check

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class PlanUsed:
    """One plan."""

    plan_sha256: str
    """Hash of its text."""
    text: str
    """The YAML."""
    justification: str
    """Reasons of the proposal; "" for a plan that a person wrote."""


ON_KNOWN_PLAN = """ON CONFLICT (plan_sha256) DO UPDATE SET justification = excluded.justification
    WHERE justification = ''"""
"""SQL that leaves a known plan unchanged, except for a justification where it had none."""

_SELECT_PLAN = "SELECT plan_sha256, text, justification FROM plans"


def save_plan(db: "Database", plan: PlanUsed) -> None:
    """Save a plan. A known one is unchanged, except for a justification where it had none."""
    sql = f"INSERT INTO plans (plan_sha256, text, justification) VALUES (?, ?, ?) {ON_KNOWN_PLAN}"
    with transaction(db):
        db.execute(sql, astuple(plan))


def all_plans(connection: StoreConnection) -> tuple[PlanUsed, ...]:
    """Return all plans, the newest first."""
    return tuple(PlanUsed(*row) for row in connection.rows(f"{_SELECT_PLAN} ORDER BY first_used_at DESC, rowid DESC"))


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """One plan, compared with its base over the same tokens."""

    plan_sha256: str
    key: MeasurementKey
    base_nll: float
    """Nats per token, as are all figures below unless they say otherwise."""
    plan_nll: float
    delta_nll: float
    """Plan minus base, mean over sequences."""
    se: float
    """Standard error of delta_nll over sequences."""
    low: float
    """Lower bound of the 95 % interval of delta_nll."""
    high: float
    kl: float
    """KL divergence from the base's to the plan's predictions."""
    top1_agreement: float
    """Share of tokens with the same most likely prediction."""
    tokens: int
    """Number of predicted tokens."""
    sequences: int
    base_not_finite: int = 0
    """Number of tokens with NaN or infinite loss of the base; if there are any, differences are nan."""
    plan_not_finite: int = 0
    check: BaseCheck | None = None
    """Check of the base; None for a measurement of an earlier version."""

    @property
    def split(self) -> str:
        """Split of the text: "selection" or "heldout"."""
        return self.key.split


_FIGURES = (
    "base_nll, plan_nll, delta_nll, standard_error, interval_low, interval_high, kl, top1_agreement, "
    "tokens, sequences, base_not_finite, plan_not_finite"
)
_SELECT = f"""SELECT plan_sha256, {", ".join(f"measurement_keys.{column}" for column in KEY_COLUMNS)},
        {", ".join(f"preview_results.{column}" for column in _FIGURES.split(", "))}
    FROM preview_results JOIN measurement_keys ON measurement_keys.id = preview_results.key_id"""


def save_preview(db: "Database", result: PreviewResult) -> None:
    """Save a result. An existing one, of the same plan under the same key, is kept."""
    with transaction(db):
        key_id = key_id_of(db, result.key)
        sql = f"""INSERT OR IGNORE INTO preview_results (plan_sha256, key_id, {_FIGURES})
            VALUES ({", ".join("?" * 14)})"""
        db.execute(sql, (result.plan_sha256, key_id, *_figures(result)))


def find_preview(connection: StoreConnection, plan_sha256: str, key: MeasurementKey) -> PreviewResult | None:
    results = (result for result in previews_of(connection, plan_sha256) if result.key == key)
    return next(results, None)


def previews_of(connection: StoreConnection, plan_sha256: str) -> tuple[PreviewResult, ...]:
    """Return all results of one plan, the newest first."""
    rows = connection.rows(f"{_SELECT} WHERE plan_sha256 = ? ORDER BY measured_at DESC, key_id DESC", (plan_sha256,))
    return _checked(connection, rows)


def all_previews(connection: StoreConnection) -> tuple[PreviewResult, ...]:
    """Return all results, the newest first."""
    return _checked(connection, connection.rows(f"{_SELECT} ORDER BY measured_at DESC, key_id DESC"))


def _checked(connection: StoreConnection, rows: Iterable[tuple[Any, ...]]) -> tuple[PreviewResult, ...]:
    results = map(_result, rows)
    return tuple(replace(result, check=find_base_check(connection, result.key)) for result in results)


def _figures(result: PreviewResult) -> tuple[Any, ...]:
    """Values in the order of _FIGURES."""
    return (
        *(result.base_nll, result.plan_nll, result.delta_nll, result.se, result.low, result.high),
        *(result.kl, result.top1_agreement, result.tokens, result.sequences),
        *(result.base_not_finite, result.plan_not_finite),
    )


def _result(row: tuple[Any, ...]) -> PreviewResult:
    plan_sha256, rest = row[0], row[1:]
    key, figures = rest[: len(KEY_COLUMNS)], rest[len(KEY_COLUMNS) :]
    floats, counts = figures[:8], figures[8:]
    base, plan, delta, se, low, high, kl, agreement = map(as_float, floats)
    return PreviewResult(plan_sha256, MeasurementKey(*key), base, plan, delta, se, low, high, kl, agreement, *counts)
