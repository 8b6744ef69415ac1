"""Layer or end of the model that a tensor belongs to, and its role in the layer, both by its name.

Derived from the names themselves, so that a new family needs no table.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from engine.errors import CheckpointError


class Role(Enum):
    """Role of a tensor in its layer."""

    ATTENTION = "attention"
    """Attention, recurrence or convolution, with the norms inside; and every tensor without another role."""
    NORMS = "norms"
    """Norms of the layer itself."""
    MLP = "mlp"
    """Feed-forward network, router and experts included."""


EVERY_ROLE = frozenset(Role)

_NORM_MODULE = re.compile(r"norm\d*$|norm_\d+$|^ln_?\d*$")
_MLP = re.compile(r"mlp|ffn|feed_?forward|moe|expert|router|^ff$|^fc_?\d$|^(gate|up|down)_proj$|^channel_mix")


def role_of(suffix: str) -> Role:
    """Role of the tensor whose name within its layer is `suffix`: "mlp.up_proj.weight" is Role.MLP."""
    module = suffix.split(".")[0]
    if _NORM_MODULE.search(module) and module != "norm_attn_norm":
        return Role.NORMS
    return Role.MLP if _MLP.search(module) else Role.ATTENTION


class End(Enum):
    """The part of the model that a tensor outside the layers belongs to."""

    EMBEDDING = "embedding"
    """Token and position embeddings, and norms on them: given by the first slice's checkpoint."""
    HEAD = "head"
    """Final norm and language head: given by the last slice's checkpoint."""
    CARRIED = "carried"
    """Everything else (vision towers, projectors, buffers): given by the config's donor."""


@dataclass(frozen=True)
class Anatomy:
    """The tensor names of one checkpoint, sorted into layers and ends."""

    layer_prefix: str
    """Prefix of the layer number, e.g. "model.layers."."""
    layers: tuple[tuple[str, ...], ...]
    """Suffixes of each layer's tensors: a name is layer_prefix + number + "." + suffix."""
    trailing: tuple[tuple[str, ...], ...]
    """Suffixes of layers after the last decoder layer (multi-token prediction heads)."""
    ends: Mapping[str, End]
    """Every tensor outside the layers."""

    @property
    def parent(self) -> str:
        """The module that holds the layers, e.g. "model"; "" at the top."""
        return self.layer_prefix.rstrip(".").rpartition(".")[0]

    def layer_tensor(self, layer: int, suffix: str) -> str:
        return f"{self.layer_prefix}{layer}.{suffix}"

    @property
    def scalable_ends(self) -> list[str]:
        """Tensors outside the layers that a slice gives, and so may scale: no slice reaches what is carried."""
        return [name for name, part in self.ends.items() if part is not End.CARRIED]

    def names_of_end(self, end: End) -> list[str]:
        return [name for name, part in self.ends.items() if part is end]


_NUMBERED = re.compile(r"(.*?(?:^|\.))(0|[1-9]\d*)\.(.+)", re.DOTALL)
_OTHER_TOWER = re.compile(r"vision|visual|audio|image|encoder|mtp|speech", re.IGNORECASE)
_HEADS = r"(?i)medusa|hydra|eagle|draft|(?:^|[._])heads?\.$"
"""Numbered modules that predict further tokens: there may be as many as layers by chance."""
_TOKEN_EMBEDDING = re.compile(
    r"(^|\.)(embed_tokens|wte|embed_in|word_embeddings|tok_embeddings|embeddings|emb)\.weight$"
)
_HEAD_MODULE = re.compile(r"(^|\.)(lm_head|embed_out|output|head|output_layer)(\.|$)")
_EMBEDDING = re.compile(r"embed|(^|\.)(wte|wpe|emb)(\.|$)|word_", re.IGNORECASE)
_NORM = re.compile(r"norm|(^|\.)ln_|(^|\.)ln(\.|$)", re.IGNORECASE)


def is_output_head(name: str) -> bool:
    """Return True if a tensor outside the layers belongs to the language head (not to the final norm)."""
    return _HEAD_MODULE.search(name) is not None


def is_token_embedding(name: str) -> bool:
    """Return True if this is the matrix of token embeddings, which a tied head shares."""
    return _TOKEN_EMBEDDING.search(name) is not None


def is_of_other_tower(name: str) -> bool:
    """Return True for a tensor or module outside the decoder: another modality, multi-token prediction."""
    return _OTHER_TOWER.search(name) is not None


def dissect(names: Iterable[str], layer_count: int) -> Anatomy:
    """Sort tensor names into `layer_count` layers and the two ends.

    Raises CheckpointError when no numbered run of modules fits that count.
    """
    all_names = list(names)
    runs = _numbered_runs(all_names)
    prefix = _decoder_prefix(runs, layer_count)
    run = runs[prefix]
    parent = prefix.rstrip(".").rpartition(".")[0]
    return Anatomy(
        layer_prefix=prefix,
        layers=tuple(tuple(run[layer]) for layer in range(layer_count)),
        trailing=tuple(tuple(run[layer]) for layer in range(layer_count, len(run))),
        ends={name: _end_of(name, parent) for name in all_names if not _is_numbered_under(name, prefix)},
    )


def stack_depths(names: Iterable[str]) -> frozenset[int]:
    """Lengths of the runs of numbered modules that may be the decoder's layers."""
    return frozenset(len(run) for prefix, run in _numbered_runs(names).items() if _is_stack(prefix, run))


def _numbered_runs(names: Iterable[str]) -> dict[str, dict[int, list[str]]]:
    """Prefix before the first number of a name, to the numbers after it, to the suffixes after those."""
    runs: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            runs[match[1]][int(match[2])].append(match[3])
    return runs


def _is_stack(prefix: str, run: Mapping[int, list[str]]) -> bool:
    return set(run) == set(range(len(run))) and not is_of_other_tower(prefix) and not re.search(_HEADS, prefix)


def _decoder_prefix(runs: Mapping[str, Mapping[int, list[str]]], layer_count: int) -> str:
    """The prefix of the decoder's layers: complete from 0, preferably exactly as many as the config says."""
    complete = [prefix for prefix, run in runs.items() if len(run) >= layer_count and _is_stack(prefix, run)]
    exact = [prefix for prefix in complete if len(runs[prefix]) == layer_count] or complete
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise _unmatched(runs, layer_count)
    raise CheckpointError(
        "the decoder's layers are ambiguous", why=f"all of {', '.join(exact)} have {layer_count} modules"
    )


def _unmatched(runs: Mapping[str, Mapping[int, list[str]]], layer_count: int) -> CheckpointError:
    """No run of modules fits the config: lost shards, or a model that is built otherwise."""
    counted = ", ".join(f"{prefix}N: {len(run)}" for prefix, run in sorted(runs.items())[:5]) or "none"
    why = f"config.json says {layer_count} layers, the numbered modules are {counted}"
    if len([prefix for prefix, run in runs.items() if _is_stack(prefix, run)]) > 1:
        fix = "Models with one stack of layers can be stacked; if this is one, some of its shards are missing."
        return CheckpointError("the model has several stacks of layers", why=why, fix=fix)
    fix = "Some shards are missing, or config.json belongs to another model."
    return CheckpointError("the tensors do not match the config", why=why, fix=fix)


def _is_numbered_under(name: str, prefix: str) -> bool:
    match = _NUMBERED.fullmatch(name)
    return match is not None and match[1] == prefix


def _end_of(name: str, parent: str) -> End:
    if _OTHER_TOWER.search(name):
        return End.CARRIED
    if is_output_head(name):
        return End.HEAD
    if _EMBEDDING.search(name):
        return End.EMBEDDING
    is_beside_layers = name.rpartition(".")[0].rpartition(".")[0] == parent
    return End.HEAD if is_beside_layers and _NORM.search(name) else End.CARRIED
