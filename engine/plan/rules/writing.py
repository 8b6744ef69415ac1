"""What of a layer writes into the residual stream, asked of many layers that are mostly alike."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import norms_behind, residual_writers

_Kind: TypeAlias = tuple[int, Hashable]


@dataclass(frozen=True)
class Writing:
    """Answers for the layers of some checkpoints; layers with tensors of the same names and shapes share one."""

    _kinds: dict[tuple[int, int], _Kind] = field(default_factory=dict)
    _writers: dict[_Kind, tuple[str, ...]] = field(default_factory=dict)
    _norms: dict[_Kind, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def writers(self, checkpoint: Checkpoint, layer: int) -> tuple[str, ...]:
        """As `engine.checkpoint.residual.residual_writers`. Raises CheckpointError as that does."""
        kind = self._kind(checkpoint, layer)
        if kind not in self._writers:
            self._writers[kind] = residual_writers(checkpoint, layer)
        return self._writers[kind]

    def norms_behind(self, checkpoint: Checkpoint, layer: int) -> Mapping[str, tuple[str, ...]]:
        """As `engine.checkpoint.residual.norms_behind`. Raises CheckpointError as that does."""
        kind = self._kind(checkpoint, layer)
        if kind not in self._norms:
            self._norms[kind] = norms_behind(checkpoint, layer)
        return self._norms[kind]

    def _kind(self, checkpoint: Checkpoint, layer: int) -> _Kind:
        key = (id(checkpoint), layer)
        if key not in self._kinds:
            tensors = zip(checkpoint.anatomy.layers[layer], checkpoint.layer_tensors(layer), strict=True)
            kind = tuple([(suffix, tuple(tensor.shape), tensor.dtype) for suffix, tensor in tensors])
            self._kinds[key] = (id(checkpoint), kind)
        return self._kinds[key]
