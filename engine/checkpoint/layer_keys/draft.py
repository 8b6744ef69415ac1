"""The new config while it is being worked out, and the layers that it has to describe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from engine.checkpoint.anatomy import is_of_other_tower
from engine.checkpoint.config import QUANTISATION_KEYS, ModelConfig, Tower, is_model_config
from engine.checkpoint.json_splice import KeyPath
from engine.errors import CheckpointError, shown

Decoder: TypeAlias = Mapping[str, Any]
"""The decoder's part of a config.json."""


class Described(NamedTuple):
    """A decoder's keys and the layers that they describe."""

    decoder: Decoder
    layer_count: int
    model_type: str
    name: str
    """Path of the config, for messages."""

    @property
    def announced_count(self) -> int:
        """Number of layers, with those of a prediction head after the last one, which some lists include."""
        announced = self.decoder.get("num_nextn_predict_layers")
        return self.layer_count + (announced if type(announced) is int else 0)

    def value(self, path: KeyPath) -> Any:
        """The value at a key path; None if absent."""
        value: Any = self.decoder
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


_NOT_OF_LAYERS = frozenset(
    {"auto_map", "id2label", "label2id", "rope_parameters", "rope_scaling", "task_specific_params", *QUANTISATION_KEYS}
)
"""Objects whose lists are of classes, frequencies, files, or of modules by name."""


def layer_paths(decoder: Decoder, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every key path below a decoder that may describe its layers, with its value; other towers' parts are left out."""
    for key, value in decoder.items():
        if is_of_other_tower(key) or key in _NOT_OF_LAYERS:
            continue
        yield (*path, key), value
        if isinstance(value, dict) and not is_model_config(value):
            yield from layer_paths(value, (*path, key))


class Visits(tuple[tuple[Described, int], ...]):
    """The config that describes each layer of the new model, and the layer's number there."""

    @cached_property
    def sources(self) -> tuple[Described, ...]:
        """The configs that describe the layers, each once, in order of use."""
        return tuple({id(source): source for source, _ in self}.values())


def described(config: ModelConfig, tower: Tower | None = None) -> Described:
    """The decoder as one of the config's towers describes it: the one that is read first, unless another is named."""
    model_type = config.model_type
    if config.tower and "model_type" not in config.decoder:
        model_type = f"{model_type}_text"
    decoder = config.part(tower) if tower in config.towers else config.decoder
    return Described(decoder, config.layer_count, model_type, str(config.path))


@dataclass
class Draft:
    """The donor's decoder with the changes made so far."""

    donor: Described
    layer_count: int
    """Number of layers of the new model."""
    changes: dict[KeyPath, Any] = field(default_factory=dict)
    """Key paths inside the decoder, in the order in which they were set."""
    followed: set[KeyPath] = field(default_factory=set)
    """Key paths whose values follow the layers, whether or not that changes them."""
    notes: list[str] = field(default_factory=list)

    @property
    def now(self) -> Described:
        """The new model as the draft describes it at this moment."""
        decoder = dict(self.donor.decoder)
        for path, value in self.changes.items():
            _set(decoder, path, value)
        return Described(decoder, self.layer_count, self.donor.model_type, self.donor.name)

    def set(self, path: KeyPath, value: Any) -> None:
        """Have `value` at `path`, which follows the layers; no change where it is there already."""
        self.followed.add(path)
        if self.now.value(path) != value:
            self.changes[path] = value


def _set(decoder: dict[str, Any], path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        inner = decoder.get(key)
        decoder[key] = dict(inner) if isinstance(inner, Mapping) else {}
        decoder = decoder[key]
    decoder[path[-1]] = value


def refused(key: str, why: str, fix: str = "") -> CheckpointError:
    return CheckpointError(f"config.json cannot describe this stack: `{shown(key)}`", why=why, fix=fix)


def silent(key: str, source: Described) -> CheckpointError:
    """The error for a source that leaves open what another source says."""
    return refused(
        key,
        f"{source.name} does not set it, and the default of {shown(source.model_type)} is not known",
        f"Add `{shown(key)}` to that config.json, as transformers fills it in.",
    )


def sequence_text(values: Sequence[Any]) -> str:
    """A wanted sequence, short enough for a message."""
    text = ", ".join(shown(value) for value in values[:24])
    return f"[{text}, ...]" if len(values) > 24 else f"[{text}]"
