"""Whether two models compute the same."""

from typing import TYPE_CHECKING, Any

from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


def largest_difference(one: Any, other: Any, sequences: "torch.Tensor") -> float:
    """The largest |difference| between the logits of both on `sequences` [S, T], one sequence at a time."""
    with torch_library().inference_mode():
        return max(_difference(one, other, sequence) for sequence in sequences)


def _difference(one: Any, other: Any, sequence: "torch.Tensor") -> float:
    logits = [
        model(input_ids=sequence[None].to(model.device), use_cache=False).logits.double() for model in (one, other)
    ]
    return float((logits[0] - logits[1]).abs().max())
