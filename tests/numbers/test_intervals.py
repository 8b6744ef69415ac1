"""What an interval promises: it covers as often as it says, and is refused where it could not."""

import math
import random

import pytest

from engine.errors import UsageError
from engine.numbers.intervals import MIN_SEQUENCES, mean_interval
from tests.numbers.null_sweeps import heavy_tailed, skewed

TRIALS = 10_000
DELTA = 0.05
"""What the simulated plan costs, in nats per token."""


def measured_difference(rng):
    """Plan minus base of one sequence: both share the sequence's difficulty, which varies far more than DELTA."""
    difficulty = rng.lognormvariate(1.2, 0.4)
    base = difficulty + rng.gauss(0, 0.02)
    plan = difficulty + DELTA + rng.gauss(0, 0.03)
    return plan - base


def test_paired_intervals_cover_the_truth_in_at_least_95_of_100_trials():
    """And in hardly more: what the correction for skewness costs where there is none."""
    rng = random.Random(1)
    intervals = (mean_interval([measured_difference(rng) for _ in range(MIN_SEQUENCES)]) for _ in range(TRIALS))
    covered = sum(interval.low <= DELTA <= interval.high for interval in intervals)
    assert 0.945 <= covered / TRIALS <= 0.97


@pytest.mark.parametrize("sequences", [16, 64])
@pytest.mark.parametrize("noise", [skewed, heavy_tailed])
def test_neither_end_is_missed_more_often_than_promised_for_skewed_and_heavy_tailed_values(noise, sequences):
    """One end is missed in 25 of 1,000 trials by promise; Student's t misses the high one in 68 for `skewed`."""
    rng = random.Random(2)
    intervals = [mean_interval([noise(rng) for _ in range(sequences)]) for _ in range(2000)]
    assert sum(interval.high < 0 for interval in intervals) / 2000 <= 0.04
    assert sum(interval.low > 0 for interval in intervals) / 2000 <= 0.04


def test_an_interval_of_known_values():
    interval = mean_interval([float(value) for value in range(16)])
    assert (interval.mean, interval.n) == (7.5, 16)
    assert interval.se == pytest.approx(math.sqrt(22.666666666666668 / 16))
    assert interval.high - interval.mean == pytest.approx(2.13144954555978 * interval.se)  # Student's: no skewness
    assert interval.mean - interval.low == pytest.approx(interval.high - interval.mean)


def test_the_interval_of_skewed_values_reaches_further_to_the_side_of_the_long_tail():
    interval = mean_interval([0.0] * 15 + [1.0])
    assert interval.high - interval.mean > 1.5 * (interval.mean - interval.low)


def test_more_confidence_is_a_wider_interval():
    values = [math.sin(n) for n in range(20)]
    assert mean_interval(values, 0.99).high > mean_interval(values, 0.95).high > mean_interval(values, 0.5).high


def test_equal_values_give_an_interval_of_width_zero():
    interval = mean_interval([0.1] * 16)
    assert (interval.low, interval.mean, interval.high, interval.se) == (0.1, 0.1, 0.1, 0.0)


@pytest.mark.parametrize("n", [0, 1, 15])
def test_fewer_than_16_sequences_are_too_few(n):
    with pytest.raises(UsageError, match=f"too few sequences: {n} were measured, .* at least 16"):
        mean_interval([1.0] * n)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_named(value):
    with pytest.raises(UsageError, match=f"sequence 3 is {value}"):
        mean_interval([1.0] * 3 + [value] + [1.0] * 20)
