"""How the layers of a model attend, as far as its config.json or its family says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.checkpoint.config import ModelConfig
from engine.checkpoint.layer_keys.defaults import derived
from engine.checkpoint.layer_keys.draft import described

KINDS_KEY = "layer_types"
WINDOW_KEY = "sliding_window"
_FULL, _SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True, slots=True)
class Attention:
    """What each layer does."""

    kinds: tuple[str, ...]
    """For each layer, as transformers names it: "full_attention", "sliding_attention", "linear_attention", ..."""
    window: int | None
    """Tokens that a sliding layer sees; None where the config does not say."""


def attention_of(config: ModelConfig) -> Attention | None:
    """None where neither the config nor what is known of the family tells."""
    model = described(config)
    window = model.decoder.get(WINDOW_KEY)
    kinds = model.decoder.get(KINDS_KEY) or derived(KINDS_KEY, model.model_type, model.decoder, model.layer_count)
    if kinds is None and WINDOW_KEY in model.decoder:
        kinds = [_kind_of_all(model.decoder)] * model.layer_count
    if not isinstance(kinds, list) or len(kinds) != model.layer_count:
        return None
    return Attention(tuple(map(str, kinds)), window if type(window) is int else None)


def _kind_of_all(decoder: Mapping[str, Any]) -> str:
    """Of a family whose layers are all alike."""
    slides = decoder[WINDOW_KEY] is not None and decoder.get("use_sliding_window", True)
    return _SLIDING if slides else _FULL
