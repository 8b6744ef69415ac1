"""Measured part of one plan, and what is stored about it, in the middle of the text and at its end."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.numbers.paired import paired_difference
from engine.store.plan_measurements import PartialResult, PlanMeasurement, sequence_means


def _empty() -> "array[float]":
    return array("f")


@dataclass
class MeasuredPlan:
    """Figures of the measured sequences, in text order."""

    nll: "array[float]" = field(default_factory=_empty)
    """NLL of each token after the first of a sequence, as in `PlanMeasurement.token_nll`."""
    kl: "array[float]" = field(default_factory=_empty)
    """KL of each sequence."""
    top1: "array[float]" = field(default_factory=_empty)

    @classmethod
    def of(cls, partial: PartialResult, sequences: int) -> "MeasuredPlan":
        """Return the first `sequences` sequences of a partial result."""
        tokens = len(partial.token_nll) // len(partial.kl) * sequences
        return cls(partial.token_nll[:tokens], partial.kl[:sequences], partial.top1[:sequences])

    def add(self, values: Mapping[str, Sequence[float]]) -> None:
        """Append the values of a row, which are those of the next sequences."""
        self.nll.extend(values["nll"])
        self.kl.extend(values["kl"])
        self.top1.extend(values["top1"])

    def since(self, first_sequence: int) -> PartialResult:
        """Return the result from a sequence on."""
        tokens = len(self.nll) // len(self.kl) * first_sequence
        return PartialResult(self.nll[tokens:], self.kl[first_sequence:], self.top1[first_sequence:])

    @property
    def sequences(self) -> int:
        return len(self.kl)

    def as_figures(self, visits: str, base: Sequence[float] | None) -> PlanMeasurement:
        """Return the measurement. base: mean NLL of each of its sequences; None for the base itself."""
        nan = math.nan
        unknown = PlanMeasurement(visits, nan, nan, nan, nan, nan, 1.0, nan, nan, self.sequences, self.nll)
        means = self.sequence_nll
        deltas = [0.0 if base is None else mean - own for mean, own in zip(means, base or means, strict=True)]
        if not all(map(math.isfinite, [*means, *deltas])):
            return unknown
        difference = paired_difference(deltas)
        interval = difference.interval
        return PlanMeasurement(
            *(visits, _mean(means), interval.mean, interval.se, interval.low, interval.high, difference.p),
            *(_mean(self.kl), _mean(self.top1), len(means), self.nll),
        )

    @property
    def sequence_nll(self) -> list[float]:
        """Mean NLL of each measured sequence, nats per token."""
        return sequence_means(self.nll, len(self.kl))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
