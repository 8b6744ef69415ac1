"""Expected best of m plans if none of them had an effect.

Simulated from the paired differences with a fixed seed: each plan's mean is subtracted, and each sequence gets the same
random sign in all plans (a sign-flip, or wild, bootstrap). The simulated plans thus have no effect, but keep their
standard errors and the correlation that comes from measuring on the same sequences.

Two minima are simulated. In nats, very harmful plans dominate, because their differences vary most. In standard errors
all plans have equal weight, and the share of simulated sweeps whose best is at least as good as the observed best is a
p-value adjusted for all plans (Westfall and Young's single-step maxT). Flipped signs are symmetric, so the observed
best is compared by its t corrected for skewness.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul

from engine.numbers.intervals import sample_mean, t_statistic

DRAWS = 1000
SEED = 1


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
