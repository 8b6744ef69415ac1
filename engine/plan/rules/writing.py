"""What of a layer writes into the residual stream, asked of many layers that are mostly alike."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import norms_behind, residual_writers


@dataclass(frozen=True)
class Writing:
    """Answers for the layers of some checkpoints; layers with tensors of the same names and shapes share one."""

    _kinds: dict[tuple[int, int], int] = field(default_factory=dict)
    """Checkpoint and layer to the number of what that layer is like."""
    _likeness: dict[Hashable, int] = field(default_factory=dict)
    _writers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _norms: dict[int, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

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

    def _kind(self, checkpoint: Checkpoint, layer: int) -> int:
        key = id(checkpoint), layer
        kind = self._kinds.get(key)
        return self._find_kind(checkpoint, layer) if kind is None else kind

    def _find_kind(self, checkpoint: Checkpoint, layer: int) -> int:
        tensors = zip(checkpoint.anatomy.layers[layer], checkpoint.layer_tensors(layer), strict=True)
        likeness = (id(checkpoint), *[(suffix, tuple(tensor.shape), tensor.dtype) for suffix, tensor in tensors])
        kind = self._likeness.setdefault(likeness, len(self._likeness))
        self._kinds[id(checkpoint), layer] = kind
        return kind
