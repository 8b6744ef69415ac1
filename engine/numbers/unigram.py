"""NLL of a text under a unigram model: a baseline that every language model has to beat."""

import math
from collections import Counter
from collections.abc import Sequence


def unigram_nll(tokens: Sequence[int], vocabulary: int) -> float:
    """Return nats per token, each token predicted from the frequencies of all others; NaN for fewer than 2 tokens.

    Frequencies are mixed with the uniform distribution over `vocabulary` tokens; its weight is the share of tokens that
    occur once, which estimates the share of unseen tokens in further text (Good-Turing).
    """
    if len(tokens) < 2:
        return math.nan
    counts = Counter(tokens)
    others = len(tokens) - 1
    new = max(sum(count == 1 for count in counts.values()), 1) / len(tokens)
    return math.fsum(
        -count * math.log((1 - new) * (count - 1) / others + new / vocabulary) for count in counts.values()
    ) / len(tokens)
