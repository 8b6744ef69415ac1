"""Sweeps of another store, copied into this one: their ids and the ids of their keys are given anew."""

from engine.store.connection import StoreConnection
from engine.store.keys import KEY_COLUMNS

SWEEP_TABLES = ("sweeps", "sweep_plans", "sweep_rankings")
_PARTS = ("sweep_plans", "sweep_rankings")
_KEYS = ("selection_key_id", "heldout_key_id", "probe_key_id")


def copy_sweeps(connection: StoreConnection) -> None:
    """The attached `source`'s sweeps that `main` lacks, whole; the keys are there already.

    One that is unfinished here stays so: run again, it finds what was measured there, and is finished at once.
    """
    others = [name for name in _columns(connection, "sweeps") if name not in ("id", *_KEYS)]
    keys = ", ".join(f"{_HERE.format(key)} AS {key}" for key in _KEYS)
    lacking = [
        sweep_id
        for (sweep_id,) in connection.rows(
            "SELECT id FROM source.sweeps WHERE sha256 NOT IN (SELECT sha256 FROM main.sweeps) ORDER BY id"
        )
    ]
    for theirs in lacking:
        columns = ", ".join(others)
        connection.execute(
            f"""INSERT INTO main.sweeps ({columns}, {", ".join(_KEYS)})
                SELECT {columns}, {keys} FROM source.sweeps AS sweep WHERE id = ?""",
            (theirs,),
        )
        ((ours,),) = connection.rows("SELECT last_insert_rowid()")
        for table in _PARTS:
            _copy_part(connection, table, ours, theirs)


_HERE = f"""(SELECT here.id FROM source.profile_keys AS there
    JOIN main.profile_keys AS here USING ({", ".join(KEY_COLUMNS)}) WHERE there.id = sweep.{{}})"""
"""The id here of a key that a sweep there names."""


def _copy_part(connection: StoreConnection, table: str, ours: int, theirs: int) -> None:
    others = ", ".join(name for name in _columns(connection, table) if name != "sweep_id")
    connection.execute(
        f"""INSERT INTO main.{table} (sweep_id, {others})
            SELECT ?, {others} FROM source.{table} WHERE sweep_id = ?""",
        (ours, theirs),
    )


def _columns(connection: StoreConnection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,))]
