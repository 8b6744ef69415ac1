"""What plans of a checkpoint measured on one split of a text, in sweeps: token by token, and in sum."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.store.connection import StoreConnection
from engine.store.database import transaction
from engine.store.keys import ProfileKey, find_key_id, key_id_of
from engine.store.layers import as_float
from engine.store.packing import packed, unpacked

if TYPE_CHECKING:
    from array import array

    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """One plan on S sequences; nats per token, differences are plan minus base. nan where it computed no number."""

    visits: str
    """Layers from bottom to top, as the table says."""
    nll: float
    delta_nll: float
    se: float
    """Standard error of delta_nll over sequences."""
    low: float
    """Of the 95 % interval of delta_nll."""
    high: float
    p: float
    """Two-sided, of the paired t-test; not adjusted. 1 where there is no number."""
    kl: float
    """From the base's prediction to the plan's."""
    top1_agreement: float
    """Share of tokens."""
    sequences: int
    token_nll: "array[float]" = field(repr=False)
    """[S * (T - 1)], sequence by sequence. nan where a token does not count (one that the tokenizer puts around texts),
    infinity where the plan computed no number."""

    @property
    def sequence_nll(self) -> list[float]:
        """The mean of each sequence, nats per token."""
        return sequence_means(self.token_nll, self.sequences)

    @property
    def tokens(self) -> int:
        """That count."""
        return sum(not math.isnan(nll) for nll in self.token_nll)

    @property
    def not_finite(self) -> int:
        """How many of them the plan computed no number for."""
        return sum(map(math.isinf, self.token_nll))


def sequence_means(token_nll: "array[float]", sequences: int) -> list[float]:
    """The mean of each sequence over its tokens that count."""
    length = len(token_nll) // sequences
    return [_mean_of_counted(token_nll[start : start + length]) for start in range(0, len(token_nll), length)]


def _mean_of_counted(values: "array[float]") -> float:
    total = math.fsum(values)  # nan where one does not count; most sequences have none of those
    if not math.isnan(total):
        return total / len(values)
    counted = [value for value in values if not math.isnan(value)]
    return math.fsum(counted) / len(counted) if counted else math.nan


_COLUMNS = (
    "visits, nll, delta_nll, standard_error, interval_low, interval_high, p, kl, top1_agreement, sequences, token_nll"
)


def save_figures(db: "Database", key: ProfileKey, figures: PlanFigures) -> None:
    """Record a plan's figures; those that are there already are left as they are."""
    sql = f"INSERT OR IGNORE INTO plan_figures (key_id, {_COLUMNS}, tokens) VALUES ({', '.join('?' * 13)})"
    floats = (figures.nll, figures.delta_nll, figures.se, figures.low, figures.high, figures.p, figures.kl)
    with transaction(db):
        rest = (figures.top1_agreement, figures.sequences, packed(figures.token_nll), figures.tokens)
        db.execute(sql, (key_id_of(db, key), figures.visits, *floats, *rest))


def find_figures(connection: StoreConnection, key: ProfileKey, wanted: Iterable[str]) -> dict[str, PlanFigures]:
    """By visits: those of the wanted that were measured under this key."""
    key_id = find_key_id(connection, key)
    sql = f"SELECT {_COLUMNS} FROM plan_figures WHERE key_id = ? AND visits = ?"
    rows = (connection.row(sql, (key_id, visits)) for visits in dict.fromkeys(wanted))
    return {row[0]: _figures(row) for row in rows if row is not None}


def measured_visits(connection: StoreConnection, key: ProfileKey) -> frozenset[str]:
    """Which plans were measured under this key."""
    rows = connection.rows("SELECT visits FROM plan_figures WHERE key_id = ?", (find_key_id(connection, key),))
    return frozenset(visits for (visits,) in rows)


def _figures(row: tuple[Any, ...]) -> PlanFigures:
    visits, *floats, sequences, token_nll = row
    nll, delta, se, low, high, p, kl, top1 = map(as_float, floats)
    return PlanFigures(visits, nll, delta, se, low, high, p, kl, top1, sequences, unpacked(token_nll))
