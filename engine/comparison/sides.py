"""The two sides of a comparison: every tensor of a checkpoint or of a plan, with its place in the model.

Places, not names, are what two checkpoints of one family have in common: prefixes differ.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.checkpoint.anatomy import End, is_output_head
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.plan.outputs import Scale, Scaling, layer_scalings, planned_tensors, renamed
from engine.plan.stack import Stack, Visit

_EXPERT = re.compile(r"(?<=experts\.)\d+(?=\.)")


class Place(NamedTuple):
    """Place of a tensor in a model."""

    layer: int | None
    """None outside the decoder's layers."""
    suffix: str
    """Name within the layer, or name outside the layers without the prefix of the decoder."""

    @property
    def type(self) -> str:
        """Type of the tensor: "self_attn.q_proj", and one for all experts: "mlp.experts.*.up_proj"."""
        return _EXPERT.sub("*", self.suffix.removesuffix(".weight"))


class Weights(NamedTuple):
    """Elements of a tensor: stored ones, perhaps scaled."""

    stored: StoredTensor
    layer: int | None
    """Layer of the checkpoint that stores them."""
    scaling: Scaling | None = None

    @property
    def factor(self) -> float:
        return self.scaling.factor if self.scaling else 1.0


@dataclass(frozen=True)
class Side:
    """One side: weights by place."""

    reference: str
    """Path or hub id, as the user wrote it."""
    family: str
    """model_type of config.json."""
    layers: int
    weights: Mapping[Place, Weights]
    vocabulary: frozenset[Place] = field(default_factory=frozenset)
    """Embeddings and head: checkpoints of different vocabularies share their first rows."""


def side_of_checkpoint(checkpoint: Checkpoint) -> Side:
    """Return all tensors of a checkpoint."""
    anatomy = checkpoint.anatomy
    weights = {
        Place(layer, suffix): Weights(checkpoint.tensors[anatomy.layer_tensor(layer, suffix)], layer)
        for layer, suffixes in enumerate((*anatomy.layers, *anatomy.trailing))
        for suffix in suffixes
    }
    ends = {name: _end(name, anatomy.parent) for name in anatomy.ends}
    weights |= {place: Weights(checkpoint.tensors[name], None) for name, place in ends.items()}
    rows = frozenset(place for name, place in ends.items() if anatomy.ends[name] is not End.CARRIED)
    return Side(checkpoint.reference, _family(checkpoint), checkpoint.layer_count, weights, rows)


def side_of_stack(stack: Stack, reference: str) -> Side:
    """Return all tensors that a plan describes, as its checkpoints store them."""
    donor = stack.config_donor
    weights = dict(_ends(stack))
    rows = frozenset(weights)
    for number, visit in enumerate(stack.visits):
        weights |= {Place(number, suffix): given for suffix, given in _of_visit(visit)}
    return Side(reference, _family(donor), len(stack.visits), weights, rows)


def _ends(stack: Stack) -> Iterator[tuple[Place, Weights]]:
    anatomy = stack.config_donor.anatomy
    for tensor in planned_tensors(stack):
        if tensor.pieces and not _is_of_layer(tensor.name, anatomy.layer_prefix):
            scaling = tensor.operation.scaling if isinstance(tensor.operation, Scale) else None
            yield _end(tensor.name, anatomy.parent), Weights(tensor.pieces[0], None, scaling)


def _end(name: str, parent: str) -> Place:
    """Return the place of a tensor outside the layers; the head is outside the decoder."""
    if not is_output_head(name):
        return Place(None, renamed(name, parent, ""))
    outside = parent.rpartition(".")[0]
    return Place(None, name.removeprefix(f"{outside}.") if outside else name)


def _is_of_layer(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name[len(prefix) :].partition(".")[0].isdecimal()


def _of_visit(visit: Visit) -> Iterator[tuple[str, Weights]]:
    scalings = layer_scalings(visit) if visit.is_scaled else {}
    for part in visit.parts:
        anatomy = part.checkpoint.anatomy
        for suffix in part.suffixes:
            stored = part.checkpoint.tensors[anatomy.layer_tensor(part.layer, suffix)]
            yield suffix, Weights(stored, part.layer, scalings.get(suffix))


def _family(checkpoint: Checkpoint) -> str:
    return str(checkpoint.config.decoder.get("model_type") or checkpoint.config.data.get("model_type") or "unknown")
