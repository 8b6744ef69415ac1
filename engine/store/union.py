"""Unites stores: what another store holds and this one lacks is copied into this one, all of it or nothing.

A row is recognised by what it means (a fingerprint, a key, a plan's sum, a job's uuid), never by its id, which every
store gives by itself. What is here already stays, so that uniting twice changes nothing. The source is only read, and
rows go from file to file inside SQLite: a profile may have millions.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import shown
from engine.store.connection import StoreConnection, atomic, uri_of
from engine.store.database import open_for_jobs
from engine.store.failures import damaged, translated
from engine.store.job_states import ENDED, STATE_NAMES
from engine.store.keys import KEY_COLUMNS
from engine.store.plans import ON_KNOWN_PLAN
from engine.store.reading import reading_mode
from engine.store.unitable import require_unitable
from engine.store.united_sweeps import SWEEP_TABLES, copy_sweeps


class Kind(StrEnum):
    """What is counted."""

    MODEL = "model"
    PROFILE = "profile"
    SCORE = "score"
    PREVIEW = "preview"
    FIGURE = "swept plan"
    """One plan on one split of a text, as a sweep measured it."""
    ANSWER = "probed plan"
    SWEEP = "sweep"
    PLAN = "plan"
    JOB = "job"
    """One that has ended."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of one kind the source holds."""

    new: int
    """Copied now."""
    known: int
    """Here already, and left as they are here."""


@dataclass(frozen=True, slots=True)
class United:
    """What became of one source."""

    source: Path
    tallies: Mapping[Kind, Tally]
    unfinished_jobs: int
    """Jobs that wait, are held or run. They stay in the source, because two stores must not both run them."""
    job_ids: Mapping[int, int]
    """Of each job that has ended: its id in the source, and its id here."""


_HAS_ENDED = f"state IN ({', '.join(repr(STATE_NAMES[state]) for state in ENDED)})"
_COUNTED: Mapping[Kind, str] = {
    Kind.MODEL: "models",
    Kind.PROFILE: "profiles",
    Kind.SCORE: "scores",
    Kind.PREVIEW: "preview_results",
    Kind.FIGURE: "plan_figures",
    Kind.ANSWER: "probe_results",
    Kind.SWEEP: "sweeps",
    Kind.PLAN: "plans_used",
    Kind.JOB: f"jobs WHERE {_HAS_ENDED}",
}
_PROFILE_TABLES = (
    *("profiles", "layer_statistics", "block_angles", "layer_histograms"),
    *("neuron_statistics", "token_contexts", "neuron_order"),
)
"""In an order that foreign keys allow."""
_MEASURED_TABLES = ("samples", "base_checks", "scores", "preview_results", "plan_figures", "probe_results")
_TABLES = ("models", "profile_keys", *_PROFILE_TABLES, *_MEASURED_TABLES, *SWEEP_TABLES, "plans_used", "jobs")


def unite(target: Path, source: Path) -> United:
    """Copy what the store `source` holds into the store `target`, which is made when it is absent.

    Raises what `require_unitable` raises, and MachineError for a source that turns out to be damaged and a target that
    cannot be written; the target is then as it was.
    """
    require_unitable(target, source)
    with closing(open_for_jobs(target)) as connection:
        _attach(connection, source)
        with atomic(connection):
            if not _has_tables(connection):  # it was only just made
                return United(source, dict.fromkeys(Kind, Tally(0, 0)), 0, {})
            _require_whole(connection, source)
            before = _counts(connection, "main")
            _copy_all(connection)
            return _united(connection, source, before)


def _attach(connection: StoreConnection, source: Path) -> None:
    with translated(source):
        connection.execute("ATTACH ? AS source", (uri_of(source, reading_mode(source)),))


def _has_tables(connection: StoreConnection) -> bool:
    return connection.row("SELECT name FROM source.sqlite_master") is not None


def _require_whole(connection: StoreConnection, source: Path) -> None:
    """Looked at before anything is copied, so that what SQLite reports later can only be about the target."""
    with translated(source):
        ((verdict,),) = connection.execute("PRAGMA source.quick_check(1)").fetchall()
        if verdict != "ok":
            raise damaged(source, why=shown(verdict))
        for table in _TABLES:
            if _columns(connection, "source", table) != _columns(connection, "main", table):
                raise damaged(source, why=f"its table {table} is not as dlec makes it")


def _copy_all(connection: StoreConnection) -> None:
    keys = ", ".join(KEY_COLUMNS)
    connection.execute("INSERT OR IGNORE INTO main.models SELECT * FROM source.models ORDER BY rowid")
    connection.execute(
        f"INSERT OR IGNORE INTO profile_keys ({keys}) SELECT {keys} FROM source.profile_keys ORDER BY id"
    )
    lacking = _lacking_profiles(connection)
    for table in _PROFILE_TABLES:
        _copy_measurements(connection, table, lacking)
    for table in _MEASURED_TABLES:
        _copy_measurements(connection, table, _key_ids(connection))
    copy_sweeps(connection)
    connection.execute(f"INSERT INTO main.plans_used SELECT * FROM source.plans_used WHERE true {ON_KNOWN_PLAN}")
    _copy_jobs(connection)


def _key_ids(connection: StoreConnection) -> list[tuple[int, int]]:
    """Of each key of the source: its id here, and its id there."""
    sql = f"""SELECT here.id, there.id FROM source.profile_keys AS there
        JOIN main.profile_keys AS here USING ({", ".join(KEY_COLUMNS)}) ORDER BY there.id"""
    return connection.rows(sql)


def _lacking_profiles(connection: StoreConnection) -> list[tuple[int, int]]:
    """Those of the keys whose profile only the source has."""
    here, there = (
        {key_id for (key_id,) in connection.rows(f"SELECT key_id FROM {schema}.profiles")}
        for schema in ("main", "source")
    )
    return [(ours, theirs) for ours, theirs in _key_ids(connection) if theirs in there and ours not in here]


def _copy_measurements(connection: StoreConnection, table: str, key_ids: Iterable[tuple[int, int]]) -> None:
    """The rows of a table that belong to these keys."""
    others = ", ".join(column for column in _columns(connection, "main", table) if column != "key_id")
    sql = f"""INSERT OR IGNORE INTO main.{table} (key_id, {others})
        SELECT ?, {others} FROM source.{table} WHERE key_id = ?"""
    connection.executemany(sql, key_ids)


def _copy_jobs(connection: StoreConnection) -> None:
    """Known ones are not even tried: an id that was tried for a new job is never given again."""
    columns = ", ".join(column for column in _columns(connection, "main", "jobs") if column != "id")
    sql = f"""INSERT INTO main.jobs ({columns}) SELECT {columns} FROM source.jobs
        WHERE {_HAS_ENDED} AND uuid NOT IN (SELECT uuid FROM main.jobs) ORDER BY id"""
    connection.execute(sql)


def _columns(connection: StoreConnection, schema: str, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))]


def _counts(connection: StoreConnection, schema: str) -> dict[Kind, int]:
    return {kind: _count(connection, f"{schema}.{rows}") for kind, rows in _COUNTED.items()}


def _count(connection: StoreConnection, rows: str) -> int:
    ((found,),) = connection.rows(f"SELECT count(*) FROM {rows}")
    return int(found)


def _united(connection: StoreConnection, source: Path, before: Mapping[Kind, int]) -> United:
    theirs, after = _counts(connection, "source"), _counts(connection, "main")
    new = {kind: after[kind] - before[kind] for kind in Kind}
    ids = f"""SELECT there.id, here.id FROM source.jobs AS there
        JOIN main.jobs AS here USING (uuid) WHERE there.{_HAS_ENDED}"""
    return United(
        source=source,
        tallies={kind: Tally(new[kind], theirs[kind] - new[kind]) for kind in Kind},
        unfinished_jobs=_count(connection, "source.jobs") - theirs[Kind.JOB],
        job_ids=dict(connection.rows(ids)),
    )
