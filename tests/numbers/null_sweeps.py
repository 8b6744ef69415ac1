"""Simulated sweeps: m plans on the same sequences, correlated because a sequence is hard or easy for all of them."""

import random

SEQUENCES, PLANS = 16, 8


def null_sweep(rng: random.Random, plans: int = PLANS, sequences: int = SEQUENCES, shared: float = 0.5):
    """Differences of plans that change nothing: [plans][sequences], standard deviation 1."""
    common = [rng.gauss(0, 1) for _ in range(sequences)]
    rest, own = shared**0.5, (1 - shared) ** 0.5
    return [[rest * each + own * rng.gauss(0, 1) for each in common] for _ in range(plans)]


def with_effect(deltas, plan: int, standard_errors: float):
    """The sweep with one plan made truly better by that many of its true standard errors."""
    shift = standard_errors / len(deltas[plan]) ** 0.5
    return [[value - shift * (number == plan) for value in each] for number, each in enumerate(deltas)]
