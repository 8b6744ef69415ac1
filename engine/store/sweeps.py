"""Sweeps: the plans that were tried together, the blocks that they repeat, and how well metrics ranked those."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.floats import as_float
from engine.store.keys import KEY_COLUMNS, MeasurementKey, find_key_id, key_id_of
from engine.store.scores import Score

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One plan of a sweep."""

    name: str
    visits: str
    """Visits of the plan, which identify its measurements under the sweep's keys."""
    text: str
    """The YAML."""
    start: int | None
    """First layer of the repeated block; None for a plan that does anything else."""
    end: int | None
    scale: float
    """Scale of the repeated visits."""
    stopped_after: int | None = None
    """Number of sequences after which the plan was significantly worse and its evaluation stopped."""


@dataclass(frozen=True, slots=True)
class StoredSweep:
    """Specification of a sweep."""

    sha256: str
    """Hash of the specification, the same in every store."""
    reference: str
    """Model as the user named it."""
    space: str
    """Description of the plans."""
    corpus: str
    """Name of the text."""
    selection: MeasurementKey
    heldout: MeasurementKey
    plans: tuple[StoredPlan, ...] = field(repr=False)
    top: int
    """Number of the best plans that are evaluated on held-out text."""
    early_stop: bool
    probe_key: MeasurementKey | None = None
    probe: str | None = None
    """Name of the probe."""


@dataclass(frozen=True, slots=True)
class SweepListing:
    """A sweep in a list."""

    id: int
    sha256: str
    reference: str
    space: str
    plans: int
    started_at: str
    """UTC."""
    finished_at: str | None
    """None for an unfinished sweep."""


_COLUMNS = "sha256, reference, space, corpus, top, early_stop, probe, selection_key_id, heldout_key_id, probe_key_id"
_PLAN_COLUMNS = "name, visits, text, start_layer, end_layer, scale, stopped_after"


def save_sweep(db: "Database", sweep: StoredSweep) -> int:
    """Save a sweep that starts, and return its id. A known sweep is unchanged."""
    with transaction(db):
        if (known := _id_of(db, sweep.sha256)) is not None:
            return known
        keys = [key and key_id_of(db, key) for key in (sweep.selection, sweep.heldout, sweep.probe_key)]
        values = (
            sweep.sha256,
            sweep.reference,
            sweep.space,
            sweep.corpus,
            sweep.top,
            int(sweep.early_stop),
            sweep.probe,
        )
        sql = f"INSERT INTO sweeps ({_COLUMNS}, plans) VALUES ({', '.join('?' * 11)})"
        db.execute(sql, (*values, *keys, len(sweep.plans)))
        sweep_id = _id_of(db, sweep.sha256)
        assert sweep_id is not None
        rows = ((sweep_id, number, *_row(plan)) for number, plan in enumerate(sweep.plans))
        marks = ", ".join("?" * 9)
        db.conn.executemany(f"INSERT INTO sweep_plans (sweep_id, number, {_PLAN_COLUMNS}) VALUES ({marks})", rows)
        return sweep_id


def save_stopped(db: "Database", sweep_id: int, stopped_after: Mapping[int, int]) -> None:
    """stopped_after: number of a plan, to the number of sequences after which its evaluation stopped."""
    sql = "UPDATE sweep_plans SET stopped_after = ? WHERE sweep_id = ? AND number = ?"
    with transaction(db):
        db.conn.executemany(sql, ((after, sweep_id, number) for number, after in stopped_after.items()))


def save_verdicts(
    db: "Database", sweep_id: int, holm: Sequence[float | None], heldout_holm: Sequence[float | None]
) -> None:
    """Save the adjusted p-values of all plans, in order."""
    sql = "UPDATE sweep_plans SET holm_p = ?, heldout_holm_p = ? WHERE sweep_id = ? AND number = ?"
    with transaction(db):
        rows = zip(holm, heldout_holm, strict=True)
        db.conn.executemany(sql, ((*both, sweep_id, number) for number, both in enumerate(rows)))


def finish_sweep(db: "Database", sweep_id: int, cost: Mapping[str, Any]) -> None:
    """Mark a sweep as finished."""
    sql = "UPDATE sweeps SET finished_at = CURRENT_TIMESTAMP, cost = ? WHERE id = ? AND finished_at IS NULL"
    with transaction(db):
        db.execute(sql, (json.dumps(cost), sweep_id))


def save_by_chance(db: "Database", sweep_id: int, by_chance: Mapping[str, Any] | None) -> None:
    """Save the expected best of the plans if no plan had an effect."""
    with transaction(db):
        db.execute("UPDATE sweeps SET best_by_chance = ? WHERE id = ?", (json.dumps(by_chance), sweep_id))


def find_by_chance(connection: StoreConnection, sweep_id: int) -> dict[str, Any] | None:
    """Return the expected best by chance; None for a sweep that is unfinished, or of a version that did not save it."""
    return _json(connection, "best_by_chance", sweep_id)


def find_sweep(connection: StoreConnection, sweep_id: int) -> StoredSweep | None:
    row = connection.row(f"SELECT {_COLUMNS} FROM sweeps WHERE id = ?", (sweep_id,))
    if row is None:
        return None
    sha256, reference, space, corpus, top, early_stop, probe, *key_ids = row
    selection, heldout, probe_key = (_key(connection, key_id) for key_id in key_ids)
    assert selection is not None
    assert heldout is not None
    plans = connection.rows(f"SELECT {_PLAN_COLUMNS} FROM sweep_plans WHERE sweep_id = ? ORDER BY number", (sweep_id,))
    return StoredSweep(
        *(sha256, reference, space, corpus, selection, heldout),
        plans=tuple(StoredPlan(*plan) for plan in plans),
        top=top,
        early_stop=bool(early_stop),
        probe_key=probe_key,
        probe=probe,
    )


def find_cost(connection: StoreConnection, sweep_id: int) -> dict[str, Any]:
    """Return the estimated and the actual cost; empty for an unfinished sweep."""
    return _json(connection, "cost", sweep_id) or {}


def all_sweeps(connection: StoreConnection) -> tuple[SweepListing, ...]:
    """Return all sweeps, the newest first."""
    sql = "SELECT id, sha256, reference, space, plans, started_at, finished_at FROM sweeps ORDER BY id DESC"
    return tuple(SweepListing(*row) for row in connection.rows(sql))


def _json(connection: StoreConnection, column: str, sweep_id: int) -> dict[str, Any] | None:
    row = connection.row(f"SELECT {column} FROM sweeps WHERE id = ?", (sweep_id,))
    value: dict[str, Any] | None = json.loads(row[0]) if row and row[0] else None
    return value


def _id_of(db: "Database", sha256: str) -> int | None:
    row = db.execute("SELECT id FROM sweeps WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else row[0]


def _row(plan: StoredPlan) -> tuple[Any, ...]:
    return plan.name, plan.visits, plan.text, plan.start, plan.end, plan.scale, plan.stopped_after


def _key(connection: StoreConnection, key_id: int | None) -> MeasurementKey | None:
    row = connection.row(f"SELECT {', '.join(KEY_COLUMNS)} FROM measurement_keys WHERE id = ?", (key_id,))
    return None if row is None else MeasurementKey(*row)


SWEPT = "swept_duplication"
"""Metric of swept blocks: delta NLL of a plan that repeats the block and does nothing else."""


def find_swept_blocks(connection: StoreConnection, key: MeasurementKey) -> tuple[Score, ...]:
    """Return the blocks that any sweep has repeated unscaled, as scores sorted by start, then end."""
    sql = """SELECT DISTINCT start_layer, end_layer, delta_nll, standard_error
        FROM plan_measurements JOIN sweep_plans USING (visits)
        WHERE key_id = ? AND start_layer IS NOT NULL AND scale = 1 ORDER BY start_layer, end_layer"""
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return tuple(Score(SWEPT, start, end, as_float(delta), se) for start, end, delta, se in rows)


def swept_keys(connection: StoreConnection, fingerprint: str) -> tuple[MeasurementKey, ...]:
    """Return the keys of all sweep measurements of one checkpoint, the newest first."""
    columns = ", ".join(KEY_COLUMNS)
    sql = f"""SELECT {columns} FROM measurement_keys
        WHERE fingerprint = ? AND id IN (SELECT key_id FROM plan_measurements) ORDER BY id DESC"""
    return tuple(MeasurementKey(*row) for row in connection.rows(sql, (fingerprint,)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """One metric against the measured harm of repeating the same blocks."""

    metric: str
    width: int
    """Layers in the blocks; 0 for all widths together."""
    blocks: int
    """Number of blocks that were ranked."""
    spearman: float
    """Rank correlation with delta NLL, -1 to 1; nan where it is undefined."""


def save_rankings(db: "Database", sweep_id: int, rankings: Iterable[Ranking]) -> None:
    """Save rankings; existing ones are kept."""
    with transaction(db):
        rows = ((sweep_id, *astuple(ranking)) for ranking in rankings)
        db.conn.executemany("INSERT OR IGNORE INTO sweep_rankings VALUES (?, ?, ?, ?, ?)", rows)


def find_rankings(connection: StoreConnection, sweep_id: int) -> tuple[Ranking, ...]:
    """Return the rankings of all widths together, then by width and metric."""
    sql = """SELECT metric, width, blocks, spearman FROM sweep_rankings WHERE sweep_id = ? ORDER BY width, metric"""
    return tuple(
        Ranking(metric, width, blocks, as_float(spearman))
        for metric, width, blocks, spearman in connection.rows(sql, (sweep_id,))
    )
