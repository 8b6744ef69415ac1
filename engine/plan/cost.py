"""Size and outline of a stack, from headers."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.plan.outputs import output_tensors
from engine.plan.stack import Stack


class Cost(NamedTuple):
    """Size of a new model. Loading it needs about `nbytes` of memory, writing it the same on disk."""

    layers: int
    parameters: int
    """Number of elements of all tensors; a tied head counts once."""
    base_parameters: int
    """Number of elements of the config donor."""
    nbytes: int
    """Bytes of all tensors as written."""
    kv_bytes_per_token: int | None
    """KV cache per token at 16 bits with full attention in all layers; None if the config does not specify it."""


def cost_of(stack: Stack) -> Cost:
    tensors = output_tensors(stack)
    return Cost(
        layers=len(stack.visits),
        parameters=sum(math.prod(tensor.shape) for tensor in tensors),
        base_parameters=stack.config_donor.parameters,
        nbytes=sum(tensor.nbytes for tensor in tensors),
        kv_bytes_per_token=_kv_bytes_per_token(stack),
    )


def picture(stack: Stack) -> str:
    """Return one character per layer of the new model: `0` for a first visit, `X` for a repeat."""
    return "".join("X" if visit.repeat else "0" for visit in stack.visits)


def _kv_bytes_per_token(stack: Stack) -> int | None:
    """Return the bytes of keys and values of grouped-query attention: 2 x heads x width x 2 per layer."""
    config = stack.config_donor.config.decoder
    heads = _first_number(config, "num_attention_heads", "n_head")
    width = _first_number(config, "hidden_size", "n_embd")
    if heads is None or width is None:
        return None
    kv_heads = _first_number(config, "num_key_value_heads") or heads
    head_width = _first_number(config, "head_dim") or width // heads
    return 2 * kv_heads * head_width * 2 * len(stack.visits)


def _first_number(config: Mapping[str, Any], *keys: str) -> int | None:
    values = (config.get(key) for key in keys)
    return next((value for value in values if isinstance(value, int) and value > 0), None)
