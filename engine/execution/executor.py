"""Protocol of executors, which compute the shares of a sweep: threads here, other processes or machines elsewhere.

Shares and the rows that they give are plain values, valid as JSON in another process or on another machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from engine.protocol import Report

BASE_NUMBER = -1
"""Number of the base among the plans of a sweep."""


class Metric(StrEnum):
    """Figures that are read of each plan."""

    LIKELIHOOD = "likelihood"
    """Rows have "nll" of each token after the first of a sequence, "kl" and "top1" of each sequence."""
    PROBE = "probe"
    """Rows have "log_likelihoods" and "is_first_choice" of each possible answer, in the order of the probe's rows."""


@dataclass(frozen=True, slots=True)
class Share:
    """Plans of one checkpoint on a range of one text, for one device. It may be computed twice without harm."""

    model: str
    """Directory of the checkpoint."""
    fingerprint: str
    """Fingerprint of the checkpoint; another one is refused."""
    plans: Sequence[Sequence[tuple[int, float]]]
    """Visits of each plan: (layer, scale)."""
    numbers: Sequence[int]
    """Number of each plan in the sweep."""
    options: Mapping[str, Any]
    """Measurement options: text files, split, tokens, seq_len, batch_size, dtype, device."""
    text_sha256: str
    """SHA-256 of the text, or of the probe; another one is refused."""
    metric: Metric = Metric.LIKELIHOOD
    first_sequence: int = 0
    end_sequence: int | None = None
    """First sequence after the range; None: the end of the text."""
    probe: str | None = None
    """File of the probe."""
    memory: int = 0
    """Bytes for everything but the weights of a resident model."""
    is_resident: bool = True
    """True if the model is held in memory as a whole, False if its layers are streamed."""
    together: int = 1
    """Maximum number of plans that run through a layer as one batch."""
    returns_base: bool = True
    """True if the rows of the base are returned: several shares of one sweep compute it, one returns it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one plan on one piece of the text. Rows of a plan come in the order of the text."""

    plan: int
    """Number of the plan in the sweep, or BASE_NUMBER."""
    values: Mapping[str, Sequence[float]]
    """Values by name, defined by the metric. float32 values survive JSON unchanged."""
    is_last: bool
    """True if the plan is complete."""


Counts: TypeAlias = dict[str, Any]
"""Work done for a share: layer_forwards, heads, chunks, layer_reads, read_bytes, state_bytes, seconds."""


def share_as_json(share: Share) -> dict[str, Any]:
    """Return the share as a request."""
    return asdict(share)


def share_from_json(data: Mapping[str, Any]) -> Share:
    """Return the share that a request describes."""
    plans = [[(int(layer), float(scale)) for layer, scale in plan] for plan in data["plans"]]
    return Share(**{**data, "plans": plans, "metric": Metric(data["metric"])})


def row_as_json(row: Row) -> dict[str, Any]:
    """Return the row as a part of an answer."""
    return asdict(row)


def row_from_json(data: Mapping[str, Any]) -> Row:
    """Return the row that a part of an answer describes."""
    return Row(**data)


OnRow: TypeAlias = Callable[[Row], None]
"""Called with one row at a time, never from two threads together. It may raise to end the run."""

Compute: TypeAlias = Callable[[Share, Report, OnRow], Counts]
"""Computes one share."""


class Executor(Protocol):
    """Computes shares. It neither reads nor writes the store: the caller keeps the rows."""

    def run(self, shares: Sequence[Share], report: Report, on_row: OnRow) -> list[Counts]:
        """Compute all shares and return what was done for each, in their order.

        report: called with the layer-forwards done by all shares and their total. The first error ends the run and is
        raised.
        """
