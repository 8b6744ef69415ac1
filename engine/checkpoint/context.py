"""How many tokens a model was made for, as its config.json says."""

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError

_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "n_ctx", "seq_length")
_WINDOW_KEYS = ("sliding_window", "attention_window", "window_size")


def context_length(checkpoint: Checkpoint) -> int | None:
    """Tokens in a sequence at most; None where the config does not say."""
    return _length(checkpoint, _CONTEXT_KEYS)


def require_context(checkpoint: Checkpoint, tokens: int) -> None:
    """Raises UsageError when sequences of so many tokens are longer than the model was made for."""
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
    found = (checkpoint.config.decoder.get(key) for key in keys)
    return next((each for each in found if type(each) is int and each > 0), None)
