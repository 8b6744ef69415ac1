"""Origin of the tensors outside the layers of a stack: embeddings, final norm and head, and everything else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.checkpoint.anatomy import End
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.comparison.elements import Buffer, has_values
from engine.comparison.exact import factor_of
from engine.comparison.samples import cosines, sample
from engine.comparison.sides import Place, Side, side_of_checkpoint

_SMALLEST_COSINE = 0.5
"""Cosine from which on a tensor counts as changed, not as another one: each has one counterpart in a base."""
_Buffers = tuple[Buffer, Buffer]


@dataclass(frozen=True, slots=True)
class Ends:
    """Origin of the tensors outside the layers."""

    donors: Mapping[End, Checkpoint]
    """Base that gives each end: all of it byte for byte where there is such a base, else the preferred one."""
    changed: tuple[str, ...]
    """Names of tensors that correlate with those of the donor, but are not identical."""
    unexplained: tuple[str, ...]
    """Names of the other tensors."""


def ends_of(
    checkpoint: Checkpoint, preferred: Mapping[End, Checkpoint], bases: Sequence[Checkpoint], buffers: _Buffers
) -> Ends:
    """Find the origin of the ends of `checkpoint`. `preferred`: the bases that its first and last layer come from."""
    sides = {base: side_of_checkpoint(base) for base in dict.fromkeys((*preferred.values(), *bases))}
    own = list(_tensors(checkpoint))
    copies = {
        (end, base): all(_is_copy(tensor, side, place, buffers) for kind, place, tensor in own if kind is end)
        for end in preferred
        for base, side in sides.items()
    }
    donors = {
        end: next((base for base in (first, *bases) if copies[end, base]), first) for end, first in preferred.items()
    }
    others = [
        (tensor.name, _correlates(tensor, sides[donors[end]], place, buffers))
        for end, place, tensor in own
        if not (copies[end, donors[end]] or _is_copy(tensor, sides[donors[end]], place, buffers))
    ]
    changed = tuple(name for name, correlates in others if correlates)
    return Ends(donors, changed, tuple(name for name, correlates in others if not correlates))


def _tensors(checkpoint: Checkpoint) -> Iterator[tuple[End, Place, StoredTensor]]:
    """Yield the tensors outside the layers. Layers after the last decoder layer belong to the head, counted from 0."""
    ends = {checkpoint.tensors[name].name: end for name, end in checkpoint.anatomy.ends.items()}
    for place, weights in side_of_checkpoint(checkpoint).weights.items():
        if place.layer is None:
            yield ends[weights.stored.name], place, weights.stored
        elif place.layer >= checkpoint.layer_count:
            yield End.HEAD, place._replace(layer=place.layer - checkpoint.layer_count), weights.stored


def _source(side: Side, place: Place) -> StoredTensor | None:
    layer = None if place.layer is None else place.layer + side.layers
    weights = side.weights.get(place._replace(layer=layer))
    return weights.stored if weights else None


def _is_copy(tensor: StoredTensor, side: Side, place: Place, buffers: _Buffers) -> bool:
    source = _source(side, place)
    if source is None or source.shape != tensor.shape or not (has_values(tensor.dtype) and has_values(source.dtype)):
        return False
    return factor_of(tensor, source, buffers) == 1.0


def _correlates(tensor: StoredTensor, side: Side, place: Place, buffers: _Buffers) -> bool:
    source = _source(side, place)
    if source is None or source.shape != tensor.shape or not tensor.nbytes:
        return False
    if not (has_values(tensor.dtype) and has_values(source.dtype)):
        return False
    own, theirs = sample(tensor, buffers[0])[None], sample(source, buffers[1])[None]
    return float(cosines(own, theirs)[0, 0]) >= _SMALLEST_COSINE
