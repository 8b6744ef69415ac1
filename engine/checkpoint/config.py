"""config.json as it is spelled: the raw text, the decoder's part of it, the number of layers."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from engine.checkpoint.anatomy import stack_depths
from engine.errors import CheckpointError, machine_error, shown
from engine.files import open_regular

CONFIG_FILE = "config.json"

LAYER_COUNT_KEYS = (
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "num_transformer_layers",
    "num_decoder_layers",
    "n_decoder_layers",
    "decoder_layers",
    "num_layer",
    "num_blocks",
    "n_blocks",
    "layers",
    "depth",
)
"""Names under which model families keep the number of decoder layers."""

LENGTH_KEYS = ("layers_block_type", "hybrid_override_pattern", "layer_types", "mlp_layer_types", "block_configs")
"""Lists with one entry per layer, whose length is the depth if no key states it."""

TEXT_TOWERS = (
    ("text_config",),
    ("llm_config",),
    ("language_config",),
    ("thinker_config", "text_config"),
    ("language_model_config",),
    ("text_model_config",),
    ("decoder_config",),
    ("lm_config",),
    ("llm_cfg",),
    (),
)
"""Places of the decoder's keys: nested in a multi-module config, or at the top. Nested ones are read first."""

QUANTISATION_KEYS = ("quantization_config", "compression_config", "quantization")
"""Keys of quantisation settings."""

Tower: TypeAlias = tuple[str, ...]
"""Path of keys to a decoder's part of a config.json."""


@dataclass(frozen=True)
class ModelConfig:
    """A config.json and where the decoder's keys are in it."""

    path: Path
    text: str
    """The file, byte for byte."""
    data: Mapping[str, Any]
    tower: Tower
    """Empty for a text-only model."""
    layer_count: int
    """Number of decoder layers."""

    @cached_property
    def decoder(self) -> Mapping[str, Any]:
        return self.part(self.tower)

    @cached_property
    def towers(self) -> tuple[Tower, ...]:
        """Every part that says this depth, the one that is read first: older programs repeated the keys at the top."""
        return (self.tower, *(t for t in TEXT_TOWERS if t != self.tower and self.layer_count in _counts(self.part(t))))

    def part(self, tower: Tower) -> Mapping[str, Any]:
        """The part at a path; empty if absent."""
        return _descend(self.data, tower) or {}

    @property
    def model_type(self) -> str:
        """Hugging Face's name of the family; "" when the config has none."""
        model_type = self.decoder.get("model_type") or self.data.get("model_type") or ""
        return model_type if isinstance(model_type, str) else ""

    @property
    def ties_embeddings(self) -> bool | None:
        """Value of tie_word_embeddings; None if the config leaves it to the family's default."""
        tied = self.data.get("tie_word_embeddings", self.decoder.get("tie_word_embeddings"))
        return tied if isinstance(tied, bool) else None


@dataclass(frozen=True)
class ConfigFile:
    """A config.json that is an object and not of an encoder-decoder model."""

    path: Path
    text: str
    data: Mapping[str, Any]


def read_config(path: Path) -> ModelConfig:
    """Read config.json at `path`. Raises CheckpointError when it is not the config of a decoder."""
    return decoder_config(read_config_file(path))


def read_config_file(path: Path) -> ConfigFile:
    """Read a config.json. Raises CheckpointError if it is missing or not a decoder's, MachineError if unreadable."""
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
        raise machine_error(f"{path} cannot be read", error) from error
    return _config_file(text, path)


def parse_config(text: str, path: Path, names: Collection[str] = ()) -> ModelConfig:
    """The config.json with this text, read with the names of the model's tensors where they are known."""
    return decoder_config(_config_file(text, path), names)


def decoder_config(file: ConfigFile, names: Collection[str] = ()) -> ModelConfig:
    """Find the decoder and its depth. The tensors decide where the file states several depths, or none.

    Raises CheckpointError when neither says how many layers there are.
    """
    stated = [(tower, count) for tower in TEXT_TOWERS for count in _counts(_descend(file.data, tower) or {})]
    stated = stated or [(tower, count) for tower in TEXT_TOWERS for count in _lengths(_descend(file.data, tower) or {})]
    depths = stack_depths(names) if names and len({count for _, count in stated}) != 1 else frozenset()
    fitting = [(tower, count) for tower, count in stated if count in depths]
    if candidates := [*fitting, *stated]:
        return ModelConfig(file.path, file.text, file.data, *candidates[0])
    if len(depths) == 1:
        tower = next((tower for tower in TEXT_TOWERS if _descend(file.data, tower)), ())
        return ModelConfig(file.path, file.text, file.data, tower, *depths)
    raise _no_depth(file, depths)


def is_model_config(part: Mapping[str, Any]) -> bool:
    """Return True if a part of a config.json describes a model of its own."""
    return "model_type" in part or bool(_counts(part))


def _config_file(text: str, path: Path) -> ConfigFile:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not valid JSON", why=shown(error), fix="Download the file again.") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} is not a model config", why=f"it holds a {type(data).__name__}, not an object")
    if data.get("is_encoder_decoder"):
        raise CheckpointError(f"{path} is refused", why="encoder-decoder models have no single stack of layers")
    return ConfigFile(path, text, data)


def _counts(decoder: Mapping[str, Any]) -> list[int]:
    """The depths that a decoder's keys say; 7.0, which some programs write, is 7."""
    return [int(decoder[key]) for key in LAYER_COUNT_KEYS if _is_count(decoder.get(key))]


def _lengths(decoder: Mapping[str, Any]) -> list[int]:
    return [len(value) for key in LENGTH_KEYS if isinstance(value := decoder.get(key), (list, str)) and value]


def _is_count(value: Any) -> bool:
    return type(value) in (int, float) and value > 0 and value % 1 == 0


def _no_depth(file: ConfigFile, depths: frozenset[int]) -> CheckpointError:
    why = f"none of {', '.join(LAYER_COUNT_KEYS)} is a positive whole number in it"
    if depths:
        why += f", and the tensors have stacks of {', '.join(map(str, sorted(depths)))} layers"
    return CheckpointError(f"{file.path} does not state the number of layers", why=why)


def _descend(data: Mapping[str, Any], keys: Tower) -> Mapping[str, Any] | None:
    for key in keys:
        inner = data.get(key)
        if not isinstance(inner, dict):
            return None
        data = inner
    return data


def missing_file(path: Path) -> CheckpointError:
    """The error for a file that cannot be opened because it is not there; names a link's target."""
    if not path.is_symlink():
        return CheckpointError(f"{path} is missing", fix="Download the checkpoint again.")
    return CheckpointError(
        f"{path} is a link to {path.readlink()}, which does not exist",
        why="the link was copied without the file, or the file was deleted",
        fix="Copy the checkpoint with its links followed (cp -rL, rsync -L), or download it again.",
    )
