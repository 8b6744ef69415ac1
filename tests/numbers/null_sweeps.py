"""Simulated sweeps: m plans on the same sequences, correlated because a sequence is hard or easy for all of them."""

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

SEQUENCES, PLANS = 16, 8

Noise: TypeAlias = Callable[[random.Random], float]
"""Draws one value of mean 0 and standard deviation 1."""


def normal(rng: random.Random) -> float:
    return rng.gauss(0, 1)


def skewed(rng: random.Random) -> float:
    """A gamma variable of skewness 1.5, three times what measured differences usually have."""
    shape = (2 / 1.5) ** 2
    return (rng.gammavariate(shape, 1) - shape) / shape**0.5


def heavy_tailed(rng: random.Random) -> float:
    """Student's t with 3 degrees of freedom."""
    return rng.gauss(0, 1) / rng.gammavariate(1.5, 2) ** 0.5


def null_sweep(
    rng: random.Random, plans: int = PLANS, sequences: int = SEQUENCES, shared: float = 0.5, noise: Noise = normal
):
    """Differences of plans that change nothing: [plans][sequences], standard deviation 1.

    shared: the share of each plan's variance that all plans have in common. The sum of two skewed variables is less
    skewed than they are: `shared` of 0 or 1 keeps the whole skewness.
    """
    common = [noise(rng) for _ in range(sequences)]
    rest, own = shared**0.5, (1 - shared) ** 0.5
    return [[rest * each + own * noise(rng) for each in common] for _ in range(plans)]


def measured_null_sweep(rng: random.Random, plans: int = PLANS, sequences: int = SEQUENCES):
    """Sequences drawn with replacement from measured differences, each plan's mean taken away."""
    residuals = _measured_residuals()[:plans]
    drawn = rng.choices(range(len(residuals[0])), k=sequences)
    return [[each[sequence] for sequence in drawn] for each in residuals]


@cache
def _measured_residuals() -> list[list[float]]:
    measured = json.loads((Path(__file__).parent / "measured_deltas.json").read_text())["deltas"]
    return [[value - fmean(each) for value in each] for each in measured.values()]


def with_effect(deltas, plan: int, standard_errors: float):
    """The sweep with one plan made truly better by that many of its true standard errors."""
    shift = standard_errors / len(deltas[plan]) ** 0.5
    return [[value - shift * (number == plan) for value in each] for number, each in enumerate(deltas)]
