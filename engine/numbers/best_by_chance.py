"""What the best of m plans would look like if none of them changed anything.

Simulated from the paired differences themselves, with a fixed seed: each plan's mean is taken away, and each sequence
gets the same random sign in all plans (a sign-flip, or wild bootstrap). So the simulated plans have no effect, their
own standard errors, and the correlation that comes from being measured on the same sequences.

Two best ones are followed. In nats, plans that do great harm decide, because their differences vary most; in standard
errors all plans count alike, and the share of simulated sweeps whose best is at least as good as the real one is a
p-value adjusted for every plan at once (Westfall and Young's single-step maxT). Flipped signs are symmetric, so the
real best enters with its t corrected for skewness.
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
    """The best of m plans without an effect; below 0 is better."""

    delta: float
    """Expected mean difference of the best one, in the unit of the differences."""
    t: float
    """Expected best, in standard errors."""
    p: float
    """Share of simulated sweeps whose best plan, in standard errors, is at least as good as the real best one."""
    draws: int


def best_by_chance(deltas: Sequence[Sequence[float]], draws: int = DRAWS, seed: int = SEED) -> BestByChance:
    """deltas: for each plan the difference of each sequence, in one order for all.

    Raises ValueError without a plan or when the plans differ in length, UsageError as `sample_mean` does.
    """
    if not deltas or len({len(each) for each in deltas}) > 1:
        raise ValueError("best_by_chance needs plans on the same sequences")
    samples = [sample_mean(each) for each in deltas]
    centred = [[value - sample.mean for value in each] for each, sample in zip(deltas, samples, strict=True)]
    squares = [math.fsum(value * value for value in each) for each in centred]
    real = min(sample.corrected_t for sample in samples)
    found = list(_simulated(centred, squares, draws, random.Random(seed)))
    return BestByChance(
        delta=math.fsum(delta for delta, _ in found) / draws,
        t=math.fsum(t for _, t in found) / draws,
        p=(1 + sum(t <= real for _, t in found)) / (1 + draws),
        draws=draws,
    )


def _simulated(
    centred: Sequence[Sequence[float]], squares: Sequence[float], draws: int, rng: random.Random
) -> Iterator[tuple[float, float]]:
    """Of each simulated sweep the best difference, and the best in standard errors."""
    n = len(centred[0])
    for _ in range(draws):
        signs = [1.0 if rng.getrandbits(1) else -1.0 for _ in range(n)]
        means = [sum(map(mul, signs, each)) / n for each in centred]
        yield (
            min(means),
            min(t_statistic(mean, _se(square, mean, n)) for mean, square in zip(means, squares, strict=True)),
        )


def _se(square: float, mean: float, n: int) -> float:
    """Of values whose squares add up to `square`; signs do not change that sum."""
    return math.sqrt(max(square - n * mean * mean, 0.0) / (n - 1) / n)
