"""Attention of a model's layers, and the number of tokens it was made for, as config.json or its family says."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import ModelConfig
from engine.checkpoint.layer_keys.defaults import derived
from engine.checkpoint.layer_keys.draft import described
from engine.errors import UsageError

KINDS_KEY = "layer_types"
WINDOW_KEY = "sliding_window"
_FULL, _SLIDING = "full_attention", "sliding_attention"


class Attention(NamedTuple):
    """Attention of each layer."""

    kinds: tuple[str, ...]
    """Kind of each layer, as transformers names it: "full_attention", "sliding_attention", "linear_attention", ..."""
    window: int | None
    """Tokens that a sliding layer sees; None where the config does not say."""


def attention_of(config: ModelConfig) -> Attention | None:
    """Attention of the layers; None if neither the config nor the family's defaults determine it."""
    model = described(config)
    window = model.decoder.get(WINDOW_KEY)
    kinds = model.decoder.get(KINDS_KEY) or derived(KINDS_KEY, model.model_type, model.decoder, model.layer_count)
    if kinds is None and WINDOW_KEY in model.decoder:
        kinds = [_kind_of_all(model.decoder)] * model.layer_count
    if not isinstance(kinds, list) or len(kinds) != model.layer_count:
        return None
    return Attention(tuple(map(str, kinds)), window if type(window) is int else None)


def _kind_of_all(decoder: Mapping[str, Any]) -> str:
    """Kind of the layers of a family whose layers are all alike."""
    slides = decoder[WINDOW_KEY] is not None and decoder.get("use_sliding_window", True)
    return _SLIDING if slides else _FULL


_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "n_ctx", "seq_length")
_WINDOW_KEYS = ("sliding_window", "attention_window", "window_size")


def context_length(checkpoint: Checkpoint) -> int | None:
    """Tokens in a sequence at most; None where the config does not say."""
    return _length(checkpoint, _CONTEXT_KEYS)


def require_context(checkpoint: Checkpoint, tokens: int) -> None:
    """Raises UsageError if `tokens` exceeds the context length of the model."""
    context = context_length(checkpoint)
    if context is not None and tokens > context:
        why = f"they have {tokens:,} tokens, the model was made for {context:,}"
        raise UsageError("the sequences are too long", why=why, fix=f"Use --seq-len {context} or less.")


def attention_window(checkpoint: Checkpoint) -> int | None:
    """Tokens that a layer with a window sees at most; None where no layer has one."""
    decoder = checkpoint.config.decoder
    layer_types = decoder.get("layer_types")
    has_none = isinstance(layer_types, list) and not any("sliding" in str(each) for each in layer_types)
    if has_none or decoder.get("use_sliding_window") is False:
        return None
    return _length(checkpoint, _WINDOW_KEYS)


def _length(checkpoint: Checkpoint, keys: tuple[str, ...]) -> int | None:
    values = (checkpoint.config.decoder.get(key) for key in keys)
    return next((each for each in values if type(each) is int and each > 0), None)
