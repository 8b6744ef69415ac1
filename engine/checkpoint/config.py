"""Reads config.json as it is spelled: the raw text, the decoder's part of it, the number of layers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.checkpoint.links import missing_file
from engine.errors import CheckpointError, MachineError, shown
from engine.files import open_regular

CONFIG_FILE = "config.json"

LAYER_COUNT_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
"""Names under which model families keep the number of decoder layers."""

TEXT_TOWERS = ((), ("text_config",), ("llm_config",), ("language_config",), ("thinker_config", "text_config"))
"""Where the decoder's keys lie: at the top, or nested in a multi-module config."""


@dataclass(frozen=True)
class ModelConfig:
    """A config.json and where the decoder's keys are in it."""

    path: Path
    text: str
    """The file, byte for byte."""
    data: Mapping[str, Any]
    tower: tuple[str, ...]
    """Path of keys to the decoder's part; empty for a text-only model."""
    count_key: str
    """The key of `decoder` that holds the layer count."""

    @cached_property
    def decoder(self) -> Mapping[str, Any]:
        return _descend(self.data, self.tower) or {}

    @property
    def layer_count(self) -> int:
        count: int = self.decoder[self.count_key]
        return count

    @property
    def model_type(self) -> str:
        """Hugging Face's name of the family; "" when the config has none."""
        found = self.decoder.get("model_type") or self.data.get("model_type") or ""
        return found if isinstance(found, str) else ""

    @property
    def ties_embeddings(self) -> bool | None:
        """What the config says of tie_word_embeddings, None when it leaves that to the family's default."""
        tied = self.data.get("tie_word_embeddings", self.decoder.get("tie_word_embeddings"))
        return tied if isinstance(tied, bool) else None


def read_config(path: Path) -> ModelConfig:
    """Read config.json at `path`. Raises CheckpointError when it is not the config of a decoder."""
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8")
    except FileNotFoundError as error:
        if path.is_symlink():
            raise missing_file(path) from error
        raise CheckpointError(
            f"{path.parent} is not a checkpoint", why="it has no config.json", fix="Give a model directory."
        ) from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not UTF-8 text", fix="Download the file again.") from error
    except OSError as error:
        raise MachineError(f"{path} cannot be read", why=error.strerror or str(error)) from error
    return parse_config(text, path)


def parse_config(text: str, path: Path) -> ModelConfig:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not valid JSON", why=shown(error), fix="Download the file again.") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} is not a model config", why=f"it holds a {type(data).__name__}, not an object")
    if data.get("is_encoder_decoder"):
        raise CheckpointError(f"{path} is refused", why="encoder-decoder models have no single stack of layers")
    for tower in TEXT_TOWERS:
        decoder = _descend(data, tower) or {}
        for key in LAYER_COUNT_KEYS:
            if type(decoder.get(key)) is int and decoder[key] > 0:
                return ModelConfig(path, text, data, tower, key)
    raise CheckpointError(
        f"{path} does not say how many layers the model has",
        why=f"none of {', '.join(LAYER_COUNT_KEYS)} is a positive number in it",
    )


def _descend(data: Mapping[str, Any], keys: tuple[str, ...]) -> Mapping[str, Any] | None:
    for key in keys:
        inner = data.get(key)
        if not isinstance(inner, dict):
            return None
        data = inner
    return data
