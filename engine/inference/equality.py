"""Comparison of the logits of two models."""

from typing import Any

from engine.inference.batches import in_batches
from engine.inference.sequences import Sequences
from engine.tensors.library import torch_library


def largest_difference(one: Any, other: Any, sequences: Sequences) -> float:
    """Return the maximum absolute difference of the logits over all tokens of `sequences`.

    Runs one sequence at a time. Raises MachineError if the memory does not suffice for one.
    """
    differences: list[float] = []
    with torch_library().inference_mode():
        in_batches(sequences, 1, lambda _start, batch: differences.append(_difference(one, other, batch)))
    return max(differences)


def _difference(one: Any, other: Any, batch: Sequences) -> float:
    logits = [model(input_ids=batch.tokens.to(model.device), use_cache=False).logits.double() for model in (one, other)]
    return float((logits[0] - logits[1]).abs().max())
