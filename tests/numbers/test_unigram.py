"""What frequencies alone predict."""

import math
import random

import pytest

from engine.numbers.unigram import unigram_nll


def test_tokens_that_are_drawn_evenly_cost_the_logarithm_of_their_number():
    tokens = random.Random(0).choices(range(50), k=20_000)
    assert unigram_nll(tokens, 50) == pytest.approx(math.log(50), abs=0.01)


def test_frequent_tokens_are_predicted_by_their_frequency():
    tokens = random.Random(0).choices([0, 1, 2], weights=[0.8, 0.1, 0.1], k=20_000)
    entropy = -sum(p * math.log(p) for p in (0.8, 0.1, 0.1))
    assert unigram_nll(tokens, 3) == pytest.approx(entropy, abs=0.02)


def test_a_token_is_not_predicted_from_itself():
    """A text of tokens that all occur once is as good as unknown."""
    assert unigram_nll(range(100), 5000) == pytest.approx(math.log(5000))


@pytest.mark.parametrize("tokens", [[], [3]])
def test_too_few_tokens_predict_nothing(tokens):
    assert math.isnan(unigram_nll(tokens, 10))
