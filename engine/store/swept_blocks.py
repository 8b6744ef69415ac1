"""What sweeps measured of blocks of layers that are repeated: the same rows as scores, beside which they are shown."""

from engine.store.connection import StoreConnection
from engine.store.keys import KEY_COLUMNS, ProfileKey, find_key_id
from engine.store.layers import as_float
from engine.store.scores import Score

SWEPT = "swept_duplication"
"""Their metric: delta NLL of a plan that repeats the block and does nothing else."""


def find_swept_blocks(connection: StoreConnection, key: ProfileKey) -> tuple[Score, ...]:
    """Every block that any sweep has repeated, unscaled, by start, then end."""
    sql = """SELECT DISTINCT start_layer, end_layer, delta_nll, standard_error
        FROM plan_figures JOIN sweep_plans USING (visits)
        WHERE key_id = ? AND start_layer IS NOT NULL AND scale = 1 ORDER BY start_layer, end_layer"""
    rows = connection.rows(sql, (find_key_id(connection, key),))
    return tuple(Score(SWEPT, start, end, as_float(delta), se) for start, end, delta, se in rows)


def swept_keys(connection: StoreConnection, fingerprint: str) -> tuple[ProfileKey, ...]:
    """What the figures of sweeps over one checkpoint depend on, the newest first."""
    columns = ", ".join(KEY_COLUMNS)
    sql = f"""SELECT {columns} FROM profile_keys WHERE fingerprint = ? AND id IN (SELECT key_id FROM plan_figures)
        ORDER BY id DESC"""
    return tuple(ProfileKey(*row) for row in connection.rows(sql, (fingerprint,)))
