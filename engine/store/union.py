"""Union of stores: copies what another store holds and this one lacks, all of it or nothing.

A row is recognised by its meaning (a fingerprint, a key, a plan's hash, a job's uuid), never by its id, which each
store assigns by itself. Existing rows are left unchanged, so a second union changes nothing. The source is only read,
and rows are copied from file to file inside SQLite, because a profile may have millions.
"""

import shlex
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import MachineError, UsageError, shown, system_reason
from engine.store.connection import (
    Standing,
    StoreConnection,
    atomic,
    connect,
    reading_mode,
    standing_of,
    uri_of,
    was_left_unfinished,
)
from engine.store.database import open_for_jobs
from engine.store.failures import cannot_open, damaged, translated
from engine.store.job_states import ENDED, STATE_NAMES
from engine.store.keys import KEY_COLUMNS
from engine.store.previews import ON_KNOWN_PLAN


class Kind(StrEnum):
    """A kind of row that is counted."""

    MODEL = "model"
    PROFILE = "profile"
    SCORE = "score"
    PREVIEW = "preview"
    FIGURE = "swept plan"
    """One plan on one split of a text, as a sweep measured it."""
    ANSWER = "probed plan"
    SWEEP = "sweep"
    COMPARISON = "comparison"
    PLAN = "plan"
    JOB = "job"
    """A job that has ended."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Number of rows of one kind in the source."""

    new: int
    """Rows that were copied."""
    known: int
    """Rows that the target had already."""


@dataclass(frozen=True, slots=True)
class United:
    """Result of copying one source."""

    source: Path
    tallies: Mapping[Kind, Tally]
    unfinished_jobs: int
    """Jobs that are waiting, held or running. They stay in the source, because two stores must not both run them."""
    job_ids: Mapping[int, int]
    """The id in the source and the id in the target of each job that has ended."""


_HAS_ENDED = f"state IN ({', '.join(repr(STATE_NAMES[state]) for state in ENDED)})"
_COUNTED: Mapping[Kind, str] = {
    Kind.MODEL: "models",
    Kind.PROFILE: "profiles",
    Kind.SCORE: "scores",
    Kind.PREVIEW: "preview_results",
    Kind.FIGURE: "plan_measurements",
    Kind.ANSWER: "probe_results",
    Kind.SWEEP: "sweeps",
    Kind.COMPARISON: "comparisons",
    Kind.PLAN: "plans",
    Kind.JOB: f"jobs WHERE {_HAS_ENDED}",
}
_PROFILE_TABLES = (
    *("profiles", "layer_statistics", "block_angles", "layer_histograms"),
    *("neuron_statistics", "token_contexts", "neuron_ranks"),
)
"""Tables of a profile, in an order that satisfies foreign keys."""
_MEASURED_TABLES = ("samples", "base_checks", "scores", "preview_results", "plan_measurements", "probe_results")
_SWEEP_PARTS = ("sweep_plans", "sweep_rankings")
_COMPARISON_PARTS = ("tensor_differences", "unpaired_tensors")
_SWEEP_KEYS = ("selection_key_id", "heldout_key_id", "probe_key_id")
_TABLES = (
    *("models", "measurement_keys", *_PROFILE_TABLES, *_MEASURED_TABLES),
    *("sweeps", *_SWEEP_PARTS, "comparisons", *_COMPARISON_PARTS, "plans", "jobs"),
)


def unite(target: Path, source: Path) -> United:
    """Copy what the store `source` holds into the store `target`, which is created when it is absent.

    Raises what `require_source` raises, and MachineError for a source that turns out to be damaged and a target that
    cannot be written; the target is then unchanged.
    """
    require_source(target, source)
    with closing(open_for_jobs(target)) as connection:
        _attach(connection, source)
        with atomic(connection):
            if not _has_tables(connection):  # the source was created a moment ago
                return United(source, dict.fromkeys(Kind, Tally(0, 0)), 0, {})
            _require_whole(connection, source)
            before = _counts(connection, "main")
            _copy_all(connection)
            return _united(connection, source, before)


def require_source(target: Path, source: Path) -> None:
    """Check a source before anything is written.

    Raises UsageError for a source that is the target itself or no file; MachineError for one that is locked,
    unreadable, damaged at first sight, no store, newer, older, or has an interrupted write.
    """
    _require_other_file(target, source)
    if _standing(source) is Standing.OLDER:
        raise _must_be_opened(source, why="it is from an older version of dlec")


def _require_other_file(target: Path, source: Path) -> None:
    try:
        if not source.is_file():
            raise UsageError(f"{source} is not a store", why="it is not a file")
        if target.exists() and target.samefile(source):
            raise UsageError(f"{source} cannot be merged into itself", fix="Leave it out, or use another --home.")
    except OSError as error:
        raise cannot_open(source, why=system_reason(error)) from error


def _standing(source: Path) -> Standing:
    with closing(connect(source, reading_mode(source))) as connection:
        try:
            return standing_of(connection)
        except MachineError as error:
            if was_left_unfinished(error):
                why = "a process was killed while it wrote, and its write must be rolled back"
                raise _must_be_opened(source, why) from error
            raise


def _must_be_opened(source: Path, why: str) -> MachineError:
    return MachineError(
        f"the store {source} cannot be merged as it is",
        why=f"{why}; a source is never changed",
        fix=f"Open it once with this version: dlec jobs list --home {shlex.quote(str(source.parent))}",
    )


def _attach(connection: StoreConnection, source: Path) -> None:
    with translated(source):
        connection.execute("ATTACH ? AS source", (uri_of(source, reading_mode(source)),))


def _has_tables(connection: StoreConnection) -> bool:
    return connection.row("SELECT name FROM source.sqlite_master") is not None


def _require_whole(connection: StoreConnection, source: Path) -> None:
    """Check the source before anything is copied, so that a later error of SQLite can only be about the target."""
    with translated(source):
        ((verdict,),) = connection.execute("PRAGMA source.quick_check(1)").fetchall()
        if verdict != "ok":
            raise damaged(source, why=shown(verdict))
        for table in _TABLES:
            if _columns(connection, "source", table) != _columns(connection, "main", table):
                raise damaged(source, why=f"its table {table} has other columns than dlec creates")


def _copy_all(connection: StoreConnection) -> None:
    keys = ", ".join(KEY_COLUMNS)
    connection.execute("INSERT OR IGNORE INTO main.models SELECT * FROM source.models ORDER BY rowid")
    connection.execute(
        f"INSERT OR IGNORE INTO measurement_keys ({keys}) SELECT {keys} FROM source.measurement_keys ORDER BY id"
    )
    lacking = _lacking_profiles(connection)
    for table in _PROFILE_TABLES:
        _copy_measurements(connection, table, lacking)
    for table in _MEASURED_TABLES:
        _copy_measurements(connection, table, _key_ids(connection))
    _copy_sweeps(connection)
    _copy_comparisons(connection)
    connection.execute(f"INSERT INTO main.plans SELECT * FROM source.plans WHERE true {ON_KNOWN_PLAN}")
    _copy_jobs(connection)


def _key_ids(connection: StoreConnection) -> list[tuple[int, int]]:
    """The id in the target and the id in the source of each key of the source."""
    sql = f"""SELECT ours.id, theirs.id FROM source.measurement_keys AS theirs
        JOIN main.measurement_keys AS ours USING ({", ".join(KEY_COLUMNS)}) ORDER BY theirs.id"""
    return connection.rows(sql)


def _lacking_profiles(connection: StoreConnection) -> list[tuple[int, int]]:
    """The keys whose profile only the source has."""
    ours, theirs = (
        {key_id for (key_id,) in connection.rows(f"SELECT key_id FROM {schema}.profiles")}
        for schema in ("main", "source")
    )
    return [(target, source) for target, source in _key_ids(connection) if source in theirs and target not in ours]


def _copy_measurements(connection: StoreConnection, table: str, key_ids: Iterable[tuple[int, int]]) -> None:
    """Copy the rows of a table that belong to these keys."""
    others = ", ".join(column for column in _columns(connection, "main", table) if column != "key_id")
    sql = f"""INSERT OR IGNORE INTO main.{table} (key_id, {others})
        SELECT ?, {others} FROM source.{table} WHERE key_id = ?"""
    connection.executemany(sql, key_ids)


def _copy_sweeps(connection: StoreConnection) -> None:
    """Copy the sweeps that the target lacks, with new ids; their keys have been copied before.

    A sweep that is unfinished in the target stays unfinished: run again, it reuses what was measured.
    """
    lacking = "SELECT id FROM source.sweeps WHERE sha256 NOT IN (SELECT sha256 FROM main.sweeps) ORDER BY id"
    columns = [name for name in _columns(connection, "main", "sweeps") if name not in ("id", *_SWEEP_KEYS)]
    keys = ", ".join(f"{_OUR_KEY.format(key)} AS {key}" for key in _SWEEP_KEYS)
    sql = f"""INSERT INTO main.sweeps ({", ".join((*columns, *_SWEEP_KEYS))})
        SELECT {", ".join(columns)}, {keys} FROM source.sweeps AS sweep WHERE id = ?"""
    for (theirs,) in connection.rows(lacking):
        connection.execute(sql, (theirs,))
        ((ours,),) = connection.rows("SELECT last_insert_rowid()")
        for table in _SWEEP_PARTS:
            _copy_part(connection, table, "sweep_id", ours, theirs)


def _copy_comparisons(connection: StoreConnection) -> None:
    """Copy the comparisons that the target lacks, with new ids."""
    lacking = "SELECT id FROM source.comparisons WHERE sha256 NOT IN (SELECT sha256 FROM main.comparisons) ORDER BY id"
    columns = ", ".join(name for name in _columns(connection, "main", "comparisons") if name != "id")
    for (theirs,) in connection.rows(lacking):
        connection.execute(
            f"INSERT INTO main.comparisons ({columns}) SELECT {columns} FROM source.comparisons WHERE id = ?", (theirs,)
        )
        ((ours,),) = connection.rows("SELECT last_insert_rowid()")
        for table in _COMPARISON_PARTS:
            _copy_part(connection, table, "comparison_id", ours, theirs)


_OUR_KEY = f"""(SELECT ours.id FROM source.measurement_keys AS theirs
    JOIN main.measurement_keys AS ours USING ({", ".join(KEY_COLUMNS)}) WHERE theirs.id = sweep.{{}})"""
"""The id in the target of a key that a sweep of the source refers to."""


def _copy_part(connection: StoreConnection, table: str, owner: str, ours: int, theirs: int) -> None:
    """Copy the rows of a table whose column `owner` has the id of a sweep or comparison."""
    others = ", ".join(name for name in _columns(connection, "main", table) if name != owner)
    connection.execute(
        f"INSERT INTO main.{table} ({owner}, {others}) SELECT ?, {others} FROM source.{table} WHERE {owner} = ?",
        (ours, theirs),
    )


def _copy_jobs(connection: StoreConnection) -> None:
    """Copy the ended jobs. Known ones are not inserted and ignored, because each ignored insert would use up an id."""
    columns = ", ".join(column for column in _columns(connection, "main", "jobs") if column != "id")
    sql = f"""INSERT INTO main.jobs ({columns}) SELECT {columns} FROM source.jobs
        WHERE {_HAS_ENDED} AND uuid NOT IN (SELECT uuid FROM main.jobs) ORDER BY id"""
    connection.execute(sql)


def _columns(connection: StoreConnection, schema: str, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))]


def _counts(connection: StoreConnection, schema: str) -> dict[Kind, int]:
    return {kind: _count(connection, f"{schema}.{rows}") for kind, rows in _COUNTED.items()}


def _count(connection: StoreConnection, rows: str) -> int:
    ((count,),) = connection.rows(f"SELECT count(*) FROM {rows}")
    return int(count)


def _united(connection: StoreConnection, source: Path, before: Mapping[Kind, int]) -> United:
    theirs, after = _counts(connection, "source"), _counts(connection, "main")
    new = {kind: after[kind] - before[kind] for kind in Kind}
    ids = f"""SELECT theirs.id, ours.id FROM source.jobs AS theirs
        JOIN main.jobs AS ours USING (uuid) WHERE theirs.{_HAS_ENDED}"""
    return United(
        source=source,
        tallies={kind: Tally(new[kind], theirs[kind] - new[kind]) for kind in Kind},
        unfinished_jobs=_count(connection, "source.jobs") - theirs[Kind.JOB],
        job_ids=dict(connection.rows(ids)),
    )
