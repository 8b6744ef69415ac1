"""Inert visits: copies that pass the residual stream on unchanged.

A visit is inert when everything that it writes into the residual stream is scaled to 0. A rule that counts or measures
visits skips inert ones: a plan that adds ten inert copies of a layer still computes with one.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import norms_after, residual_writers
from engine.errors import CheckpointError
from engine.plan.outputs import layer_scalings
from engine.plan.stack import FactorLevel, Visit, factor_of

_Key: TypeAlias = tuple[int, int, tuple[FactorLevel, ...]]
"""Checkpoint, layer and scales of a visit."""


@dataclass(frozen=True)
class ResidualWriters:
    """The tensors that write into the residual stream, cached for layers with the same names, shapes and dtypes."""

    _kinds: dict[tuple[int, int], int] = field(default_factory=dict)
    """Checkpoint and layer to the number of the layer's kind."""
    _kind_numbers: dict[Hashable, int] = field(default_factory=dict)
    _writers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _norms: dict[int, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def writers(self, checkpoint: Checkpoint, layer: int) -> tuple[str, ...]:
        """Return `engine.checkpoint.residual.residual_writers` of the layer. Raises CheckpointError."""
        kind = self._kind(checkpoint, layer)
        if kind not in self._writers:
            self._writers[kind] = residual_writers(checkpoint, layer)
        return self._writers[kind]

    def norms_after(self, checkpoint: Checkpoint, layer: int) -> Mapping[str, tuple[str, ...]]:
        """Return `engine.checkpoint.residual.norms_after` of the layer. Raises CheckpointError."""
        kind = self._kind(checkpoint, layer)
        if kind not in self._norms:
            self._norms[kind] = norms_after(checkpoint, layer)
        return self._norms[kind]

    def _kind(self, checkpoint: Checkpoint, layer: int) -> int:
        kind = self._kinds.get((id(checkpoint), layer))
        return self._new_kind(checkpoint, layer) if kind is None else kind

    def _new_kind(self, checkpoint: Checkpoint, layer: int) -> int:
        tensors = zip(checkpoint.anatomy.layers[layer], checkpoint.layer_tensors(layer), strict=True)
        key = (id(checkpoint), *[(suffix, tuple(tensor.shape), tensor.dtype) for suffix, tensor in tensors])
        kind = self._kind_numbers.setdefault(key, len(self._kind_numbers))
        self._kinds[id(checkpoint), layer] = kind
        return kind


@dataclass(frozen=True)
class InertSlices:
    """Inertness of the visits of one stack, cached by checkpoint, layer and scales."""

    residual: ResidualWriters
    _active: dict[_Key, tuple[str, ...]] = field(default_factory=dict)

    def is_inert(self, visit: Visit) -> bool:
        """Return True if the visit passes the stream on unchanged; False for a family that dlec does not know."""
        return has_zero(visit) and not self.active_writers(visit)

    def active_writers(self, visit: Visit) -> tuple[str, ...]:
        """Return the suffixes of the tensors that still write into the stream.

        A single empty suffix means that dlec does not know the family.
        """
        key = (id(visit.checkpoint), visit.layer, visit.levels)
        if key not in self._active:
            try:
                self._active[key] = self._find_active(visit)
            except CheckpointError:
                self._active[key] = ("",)
        return self._active[key]

    def is_partly_inert(self, visit: Visit) -> bool:
        """Return True if some of the layer's residual writers are scaled to 0 and others are not."""
        active = self.active_writers(visit) if has_zero(visit) else ()
        return any(active) and len(active) < len(self.residual.writers(visit.checkpoint, visit.layer))

    def _find_active(self, visit: Visit) -> tuple[str, ...]:
        writers = self.residual.writers(visit.checkpoint, visit.layer)
        norms = self.residual.norms_after(visit.checkpoint, visit.layer)
        zeroed = _zeroed(visit, writers, has_norms=bool(norms))
        return tuple(
            writer for writer in writers if writer not in zeroed and not _is_covered(norms.get(writer, ()), zeroed)
        )


def has_zero(visit: Visit) -> bool:
    """Return True if a visit of one part has a factor of 0, for whichever tensors."""
    if len(visit.parts) == 1:
        for level in visit.levels:
            for _, factor in level:
                if factor == 0:
                    return True
    return False


def _zeroed(visit: Visit, writers: tuple[str, ...], *, has_norms: bool) -> set[str]:
    if has_norms:
        return {suffix for suffix, scaling in layer_scalings(visit).items() if scaling.factor == 0}
    name_of = visit.checkpoint.anatomy.layer_tensor
    return {writer for writer in writers if factor_of(visit.levels, name_of(visit.layer, writer)) == 0}


def _is_covered(norm: tuple[str, ...], zeroed: set[str]) -> bool:
    return bool(norm) and zeroed.issuperset(norm)
