"""The plans that were proposed, previewed or merged."""

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from engine.store.connection import StoreConnection
from engine.store.database import transaction

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class PlanUsed:
    """One plan."""

    plan_sha256: str
    """Of its text."""
    text: str
    """The YAML."""
    justification: str
    """What it was proposed from, in words; "" when a person wrote it."""


ON_KNOWN_PLAN = """ON CONFLICT (plan_sha256) DO UPDATE SET justification = excluded.justification
    WHERE justification = ''"""
"""A plan that is known already is left as it is, but gets a justification if it had none."""

_SELECT = "SELECT plan_sha256, text, justification FROM plans_used"


def save_plan(db: "Database", plan: PlanUsed) -> None:
    """Record a plan. One that is known already is left as it is, but gets a justification if it had none."""
    sql = f"INSERT INTO plans_used (plan_sha256, text, justification) VALUES (?, ?, ?) {ON_KNOWN_PLAN}"
    with transaction(db):
        db.execute(sql, astuple(plan))


def find_plan(connection: StoreConnection, plan_sha256: str) -> PlanUsed | None:
    found = connection.row(f"{_SELECT} WHERE plan_sha256 = ?", (plan_sha256,))
    return None if found is None else PlanUsed(*found)


def all_plans(connection: StoreConnection) -> tuple[PlanUsed, ...]:
    """Every plan, the newest first."""
    return tuple(PlanUsed(*row) for row in connection.rows(f"{_SELECT} ORDER BY used_at DESC, rowid DESC"))
