"""What is left of a winner."""

import math
import random

import pytest

from engine.numbers.shrinkage import Shrinkage
from tests.numbers.null_sweeps import null_sweep


def test_half_an_improvement_is_left():
    found = Shrinkage(selection=-0.02, heldout=-0.01)
    assert (found.kept, found.lost) == (0.5, 0.01)


def test_an_improvement_may_become_harm():
    assert Shrinkage(selection=-0.02, heldout=0.01).kept == -0.5


def test_of_harm_nothing_is_kept():
    assert math.isnan(Shrinkage(selection=0.0, heldout=0.01).kept)


def test_winners_without_an_effect_shrink_to_nothing():
    rng = random.Random(15)
    kept = []
    for _ in range(2000):
        selection, heldout = ([sum(each) / len(each) for each in null_sweep(rng)] for _ in range(2))
        best = min(range(len(selection)), key=selection.__getitem__)
        if selection[best] < 0:
            kept.append(Shrinkage(selection[best], heldout[best]).heldout)
    assert sum(kept) / len(kept) == pytest.approx(0, abs=0.02)
