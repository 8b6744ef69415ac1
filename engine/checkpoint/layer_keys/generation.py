"""Settings of generation_config.json that number layers."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from engine.checkpoint.json_splice import KeyPath, spliced

GENERATION_FILE = "generation_config.json"
_BOUNDARIES = "dola_layers"
"""Boundaries whose hidden states are compared: 0 is the embeddings, n the output of layer n - 1."""
_EARLY_EXIT = "assistant_early_exit"
"""Number of lowest layers that draft tokens."""


def edited_generation(text: str, layers: Sequence[int | None]) -> str:
    """The text of generation_config.json for a model whose layer i is a copy of layer `layers[i]`.

    None stands for a layer of another checkpoint. An early exit, which no boundary of the new model equals for certain,
    is switched off. Text that is not a JSON object is returned unchanged.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return spliced(text, dict(_changes(data, layers))) if isinstance(data, dict) else text


def _changes(data: dict[str, Any], layers: Sequence[int | None]) -> Iterator[tuple[KeyPath, Any]]:
    listed = data.get(_BOUNDARIES)
    if isinstance(listed, list):
        kept = [0] if 0 in listed else []
        yield (_BOUNDARIES,), kept + [place + 1 for place, layer in enumerate(layers) if _output_of(layer) in listed]
    if type(data.get(_EARLY_EXIT)) is int:
        yield (_EARLY_EXIT,), None


def _output_of(layer: int | None) -> int | None:
    return None if layer is None else layer + 1
