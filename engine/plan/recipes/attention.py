"""Scales for queries and keys: how sharply a layer attends."""

import re
from collections.abc import Iterable

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import CheckpointError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.filters import filters_for
from engine.plan.recipes.text import Scale

_QUERY_OR_KEY = re.compile(r"(^|\.)([qk])_proj\.(weight|bias)$")
_NORM_OF_QUERY_OR_KEY = re.compile(r"(^|\.)[qk]_?(layer)?norm\.")
_NORM_KEYS = ("use_qk_norm", "qk_layernorm", "qk_layernorms", "use_qk_layernorm")
"""Settings that normalise queries and keys, some without a tensor that would tell."""


def attention_scales(checkpoint: Checkpoint, block: Block, factor: float) -> tuple[Scale, ...]:
    """Scales queries and keys of these layers by `factor` each, and so what they attend with by its square.

    Raises CheckpointError where they are no tensors of their own, or a norm behind them would undo the scale.
    """
    filters = filters_for(checkpoint, block, lambda layer: _queries_and_keys(checkpoint, layer))
    return tuple((wanted, factor) for wanted in filters)


def _queries_and_keys(checkpoint: Checkpoint, layer: int) -> Iterable[str]:
    suffixes = checkpoint.anatomy.layers[layer]
    found = {suffix: match[2] for suffix in suffixes if (match := _QUERY_OR_KEY.search(suffix))}
    if set(found.values()) != {"q", "k"}:
        raise _not_possible(checkpoint, layer, "it has no tensors for queries and keys alone")
    normed = any(map(_NORM_OF_QUERY_OR_KEY.search, suffixes)) or any(map(checkpoint.config.decoder.get, _NORM_KEYS))
    if normed:
        raise _not_possible(checkpoint, layer, "a norm follows its queries and keys, and would undo the scale")
    return found


def _not_possible(checkpoint: Checkpoint, layer: int, why: str) -> CheckpointError:
    return CheckpointError(
        f"the attention of layer {layer} of {checkpoint.reference} cannot be scaled",
        why=why,
        fix="Damp the residual alone (scaled: residual).",
    )
