"""One plan as far as it has been measured, and what is stored of it."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.numbers.paired import paired_difference
from engine.store.plan_figures import PlanFigures

if TYPE_CHECKING:
    from engine.inference.wavefront.likelihood import Figures


@dataclass
class MeasuredPlan:
    """What the text so far has given, sequence by sequence."""

    nll: "array[float]" = field(default_factory=lambda: array("f"))
    kl: list[float] = field(default_factory=list)
    """Of each sequence, as is the next."""
    top1: list[float] = field(default_factory=list)

    def add(self, figures: "Figures") -> None:
        self.nll.extend(figures.nll.flatten().tolist())
        self.kl += figures.kl.tolist()
        self.top1 += figures.top1.tolist()

    def as_figures(self, visits: str, base: Sequence[float] | None) -> PlanFigures:
        """base: the mean NLL of each of its sequences; None for the base itself."""
        nan = math.nan
        unknown = PlanFigures(visits, nan, nan, nan, nan, nan, 1.0, nan, nan, len(self.kl), self.nll)
        means = self.sequence_nll
        deltas = [0.0 if base is None else mean - own for mean, own in zip(means, base or means, strict=True)]
        if not all(map(math.isfinite, means)):
            return unknown
        found = paired_difference(deltas)
        interval = found.interval
        return PlanFigures(
            *(visits, _mean(means), interval.mean, interval.se, interval.low, interval.high, found.p),
            *(_mean(self.kl), _mean(self.top1), len(means), self.nll),
        )

    @property
    def sequence_nll(self) -> list[float]:
        """The mean of each sequence so far, nats per token."""
        length = len(self.nll) // len(self.kl)
        return [math.fsum(self.nll[start : start + length]) / length for start in range(0, len(self.nll), length)]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
