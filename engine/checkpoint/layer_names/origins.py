"""Origins of the layers of a new model, and the names that settings may use for them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from engine.checkpoint.anatomy import is_of_other_tower

if TYPE_CHECKING:
    from engine.checkpoint.checkpoint import Checkpoint  # which imports layer_keys, which imports this

HOLDERS = frozenset({"layers", "layer", "h", "blocks", "block", "blk"})
"""Usual names of the module list that holds a model's layers."""

_DECODER_WORDS = frozenset(
    {
        "_forward_module",
        "_fsdp_wrapped_module",
        "_model",
        "_module",
        "_orig_mod",
        "backbone",
        "base_model",
        "causal_lm",
        "decoder",
        "gpt_neox",
        "language_model",
        "llm",
        "lm",
        "model",
        "module",
        "net",
        "network",
        "self",
        "text_decoder",
        "text_model",
        "thinker",
        "transformer",
    }
)
"""Modules around a decoder's layers. Settings may spell them in another order than the weights do."""

PREFIXES = (
    "model.",
    "model.language_model.",
    "language_model.model.",
    "language_model.",
    "model.text_model.",
    "model.decoder.",
    "transformer.",
    "backbone.",
    "thinker.model.",
    "",
)
"""Possible prefixes of the decoder's layers in settings that another program than the weights' has written."""

_NUMBERED = r"((?:.*?\.)?)(\d+)(?:\.|$)"


@dataclass(frozen=True)
class Modules:
    """The names of one checkpoint's tensors."""

    depth: int
    """Number of decoder layers."""
    prefix: str = ""
    """Prefix of the layer number, e.g. "model.layers."; "" if the names are not known."""
    layers: tuple[tuple[str, ...], ...] = ()
    """Suffixes of the tensors of each layer, those after the decoder included."""
    others: tuple[str, ...] = ()
    """Names of all tensors outside these layers."""

    @property
    def is_known(self) -> bool:
        return bool(self.layers)

    @property
    def holder(self) -> str:
        """The module list that holds the layers, e.g. "layers"."""
        return self.prefix.rstrip(".").rpartition(".")[2]

    @cached_property
    def other_prefixes(self) -> frozenset[str]:
        """Prefixes of the first number in names outside the layers: "vision_tower.blocks.", "mtp.layers."."""
        return frozenset(match[1] for name in self.others if (match := re.match(_NUMBERED, name)))

    @cached_property
    def is_holder_unique(self) -> bool:
        """Return True if the holder's name occurs nowhere but directly before the numbers of these layers."""
        inside = f".{self.holder}."
        names = {f".{suffix}" for suffixes in set(self.layers) for suffix in suffixes}
        return not any(inside in f".{name}" for name in (*names, *self.others))

    def is_decoder(self, head: str) -> bool:
        """Return True if a number after `head`, such as "model.layers.", counts the decoder's layers."""
        known = self._known_heads.get(head)
        if known is None:
            known = self._known_heads[head] = self._is_decoder(head)
        return known

    @cached_property
    def _known_heads(self) -> dict[str, bool]:
        """Cached results of `is_decoder`: a list may have thousands of names with the same beginning."""
        return {}

    def _is_decoder(self, head: str) -> bool:
        if self.is_known and head == self.prefix:
            return True
        *around, holder = head.rstrip(".").split(".")
        if holder not in HOLDERS | {self.holder} or head in self.other_prefixes or is_of_other_tower(head):
            return False
        return set(around) <= _DECODER_WORDS | set(self.prefix.split("."))

    @cached_property
    def inner_names(self) -> tuple[tuple[str, ...], ...]:
        """Possible suffixes of each layer's number: "", and every module and tensor, each with its dot."""
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        return tuple(known.setdefault(suffixes, _with_modules(suffixes)) for suffixes in self.layers)

    @cached_property
    def outer_names(self) -> tuple[str, ...]:
        """Every module and tensor outside the layers."""
        return tuple(name[1:] for name in _with_modules(self.others) if name)


def modules_of(checkpoint: "Checkpoint") -> Modules:
    anatomy = checkpoint.anatomy
    layers = (*anatomy.layers, *anatomy.trailing)
    return Modules(checkpoint.layer_count, anatomy.layer_prefix, layers, tuple(anatomy.ends))


@dataclass(frozen=True)
class Origins:
    """The checkpoint and the layer that each layer of a new model was copied from."""

    sources: tuple[Modules, ...]
    """The first one's names are those of the new model."""
    visits: tuple[tuple[int, int], ...]
    """Index of each new layer's source, and the layer's number there."""
    head: int = 0
    """Index of the source that gives the layers after the decoder."""

    @property
    def modules(self) -> Modules:
        """The names of the checkpoint that gives the config."""
        return self.sources[0]

    @property
    def depth(self) -> int:
        return len(self.visits)

    @cached_property
    def all_visits(self) -> tuple[tuple[int, int], ...]:
        """`visits`, and the layers after the decoder, which move with its end."""
        source = self.sources[self.head]
        return (*self.visits, *((self.head, layer) for layer in range(source.depth, len(source.layers))))

    @cached_property
    def _places(self) -> Mapping[tuple[int, int], list[int]]:
        places = defaultdict(list)
        for place, visit in enumerate(self.visits):
            places[visit].append(place)
        return dict(places)

    def places(self, source: int, layer: int) -> list[int]:
        """Places of a source's layer in the new model. Layers after the decoder may be named without weights."""
        behind = layer - self.sources[source].depth
        if behind >= 0:
            return [self.depth + behind] if source == self.head else []
        return self._places.get((source, layer), [])


def _with_modules(names: tuple[str, ...]) -> tuple[str, ...]:
    """Each name and every module around it, with a leading dot, and "" for what holds them all."""
    modules = dict.fromkeys([""])
    for name in names:
        modules.update(dict.fromkeys(_ancestors(name)))
    return tuple(modules)


def _ancestors(name: str) -> Iterator[str]:
    end = name.find(".")
    while end >= 0:
        yield f".{name[:end]}"
        end = name.find(".", end + 1)
    yield f".{name}"
