"""Layer score of the original DLEC, for the recipe dlec-classic.

For each "layer" l in 0..N-1, with x [S, D] the hidden state l (0 is the embedding) at the first token of text, after
the tokenizer's prefix, of S sequences, and a = |x|:

    bin    the first of 100 equal bins over 0..max(a) at which the cumulative share reaches 0.95
    share  the share of a whose z-score (a - mean) / deviation is at least bin / 100

Unit: a share, 0 to 1. Cost: one forward pass of the prefix and one token per sequence.
The recipe documents its shortcomings.
Source: Steel-skull/DLEC, commit f95b114, notebook.
"""

from typing import TYPE_CHECKING

from engine.inference.sequences import Sequences

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

BINS = 100
COVERED = 0.95


def shares(model: "PreTrainedModel", sequences: Sequences) -> list[float]:
    """Return the share of each layer."""
    import torch

    first = int(sequences.is_text[0].nonzero()[0])
    tokens = sequences.tokens[:, : first + 1].to(model.device)
    with torch.inference_mode():
        states = model(tokens, output_hidden_states=True, use_cache=False).hidden_states
    return [_share(state[:, first].float().abs().flatten()) for state in states[:-1]]


def _share(magnitudes: "torch.Tensor") -> float:
    threshold = _covering_bin(magnitudes) / BINS
    deviations = (magnitudes - magnitudes.mean()) / magnitudes.std(correction=0)
    return float((deviations >= threshold).float().mean())


def _covering_bin(magnitudes: "torch.Tensor") -> int:
    counts = magnitudes.histc(BINS, 0, float(magnitudes.max()))
    cumulative = counts.cumsum(0) / counts.sum()
    return int((cumulative >= COVERED).nonzero()[0])
