"""How well the frequencies of tokens alone predict a text: what every language model has to beat."""

import math
from collections import Counter
from collections.abc import Sequence


def unigram_nll(tokens: Sequence[int], vocabulary: int) -> float:
    """Nats a token, each token predicted from the frequencies of all the others; nan for fewer than 2 tokens.

    Frequencies are mixed with the uniform distribution over `vocabulary` tokens, which has the weight of the tokens
    that occur once: that large a share of any further text is new.
    """
    if len(tokens) < 2:
        return math.nan
    counts = Counter(tokens)
    others = len(tokens) - 1
    new = max(sum(count == 1 for count in counts.values()), 1) / len(tokens)
    return math.fsum(
        -count * math.log((1 - new) * (count - 1) / others + new / vocabulary) for count in counts.values()
    ) / len(tokens)
