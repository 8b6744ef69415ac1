"""Comparison of many plans: adjusted p-values, the best by chance, shrinkage of the best, early stopping.

Holm: S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statist. 6 (1979).

Best by chance: the expected best of m plans if none of them had an effect, simulated from the paired differences with a
fixed seed. Each plan's mean is subtracted, and each sequence gets the same random sign in all plans (a sign-flip, or
wild, bootstrap). The simulated plans thus have no effect, but keep their standard errors and the correlation that comes
from measuring on the same sequences. Two minima are simulated. In nats, very harmful plans dominate, because their
differences vary most. In standard errors all plans have equal weight, and the share of simulated sweeps whose best is
at least as good as the observed best is a p-value adjusted for all plans (Westfall and Young's single-step maxT).
Flipped signs are symmetric, so the observed best is compared by its t corrected for skewness.

Early stopping: the mean difference is tested after 16, 32, 64, ... sequences. At look k the one-sided intervals of all
m plans together miss with a probability of at most alpha / (k * (k + 1)); these add up to less than alpha for any
number of looks (Bonferroni over looks and plans). Only plans that are worse than the base are stopped, and their
partial figures are never reported as measurements.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul

from engine.numbers.intervals import MIN_SEQUENCES, mean_interval, sample_mean, t_statistic

DRAWS = 1000
"""Default number of simulated sweeps."""
SEED = 1
ALPHA = 0.05
"""Probability that any plan of a sweep that is not worse than the base is stopped early."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the same order.

    Rejecting every hypothesis whose adjusted p-value is below alpha keeps the family-wise error rate at most alpha,
    whatever the dependence of the comparisons. Raises ValueError for a value outside [0, 1].
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("holm needs p-values between 0 and 1")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


@dataclass(frozen=True, slots=True)
class BestByChance:
    """Expected best of m plans without an effect; negative is better."""

    delta: float
    """Expected mean difference of the best plan, in the unit of the differences."""
    t: float
    """Expected minimum t statistic, in standard errors."""
    p: float
    """Share of simulated sweeps whose minimum t is at most that of the observed best plan."""
    draws: int


def best_by_chance(deltas: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = SEED) -> BestByChance:
    """Simulate the best of the plans.

    deltas: differences per plan and sequence, sequences in the same order for every plan.
    Raises ValueError if there are no plans or they differ in length, UsageError as `sample_mean` does.
    """
    if not deltas or len({len(plan) for plan in deltas}) > 1:
        raise ValueError("best_by_chance needs plans on the same sequences")
    samples = [sample_mean(plan) for plan in deltas]
    centred = [[value - sample.mean for value in plan] for plan, sample in zip(deltas, samples, strict=True)]
    squares = [math.fsum(value * value for value in plan) for plan in centred]
    observed = min(sample.corrected_t for sample in samples)
    minima = list(_simulated(centred, squares, draws, random.Random(seed)))
    return BestByChance(
        delta=math.fsum(delta for delta, _ in minima) / draws,
        t=math.fsum(t for _, t in minima) / draws,
        p=(1 + sum(t <= observed for _, t in minima)) / (1 + draws),
        draws=draws,
    )


def _simulated(
    centred: Sequence[Sequence[float]], squares: Sequence[float], draws: int, rng: random.Random
) -> Iterator[tuple[float, float]]:
    """Yield the minimum mean difference and the minimum t statistic of each simulated sweep."""
    n = len(centred[0])
    for _ in range(draws):
        signs = [1.0 if rng.getrandbits(1) else -1.0 for _ in range(n)]
        means = [sum(map(mul, signs, plan)) / n for plan in centred]
        yield (
            min(means),
            min(t_statistic(mean, _se(square, mean, n)) for mean, square in zip(means, squares, strict=True)),
        )


def _se(square: float, mean: float, n: int) -> float:
    """Return the standard error of n values whose squares sum to `square`, which is invariant under sign flips."""
    return math.sqrt(max(square - n * mean * mean, 0.0) / (n - 1) / n)


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Mean difference of the selected plan on the selection set and on held-out text; negative is better."""

    selection: float
    heldout: float

    @property
    def lost(self) -> float:
        """Held-out minus selection difference, in the same unit; includes the selection bias."""
        return self.heldout - self.selection

    @property
    def kept(self) -> float:
        """Share of the improvement that remains, negative if it turned into harm; NaN if there was no improvement."""
        return self.heldout / self.selection if self.selection < 0 else math.nan


def looks(sequences: int) -> Iterator[int]:
    """Yield the numbers of sequences after which to test: 16, 32, 64, ... and the total."""
    after = MIN_SEQUENCES
    while after < sequences:
        yield after
        after *= 2
    yield sequences


def is_surely_worse(deltas: Sequence[float], look: int, plans: int, alpha: float = ALPHA) -> bool:
    """Return True if the plan is significantly worse than the base.

    deltas: differences of the sequences so far, at least 16. look: number of the test, from 1. plans: number of plans
    in the sweep.
    """
    spent = alpha / (look * (look + 1)) / plans
    return mean_interval(deltas, 1 - 2 * spent).low > 0
