"""Sources of the weights of layers: the protocol, layers as stored in the checkpoint's files, and layers in memory.

Stored layers are read with pread, scaled as in a merge, cast, and named as in transformers' module. For families whose
stored tensors differ from the module's parameters (fused experts), transformers converts them.

Resident layers are used directly by an ordinary visit, and with copies of the scaled tensors by a scaled visit. The
copies are made for each edge, which takes far less time than the edge, and freed after it. Layers that do not fit in
memory are in engine.inference.wavefront.streamed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError, shown
from engine.inference.decoder_layers import decoder_layers
from engine.inference.device_map import device_of
from engine.inference.meta_model import loaded_from_tensors, shape_only
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.schedule import Stop
from engine.inference.wavefront.visits import Step, step_scalings
from engine.tensors.library import DTYPE_NAMES
from engine.tensors.reading import read_tensors
from engine.tensors.scaling import scaled

if TYPE_CHECKING:
    import torch

Weights: TypeAlias = Mapping[str, "torch.Tensor"]
"""Tensors by name within the layer: the file's names as stored, the module's names after conversion."""


class Walk(Protocol):
    """Pass over layers in a fixed order."""

    def weights(self, step: Step) -> Weights | None:
        """Return weights that replace the layer module's own; None to use its own."""
        ...


class Layers(Protocol):
    """A checkpoint's model, whose layers are resident or streamed."""

    checkpoint: Checkpoint
    model: Any
    """Embeddings, final norm and head have their weights."""
    is_resident: bool

    def walk(self, stops: Sequence[Stop], counted: Counted) -> AbstractContextManager[Walk]:
        """Return a context in which `weights` can be called for the layers of `stops` in this order."""
        ...

    def read_bytes(self, stops: Sequence[Stop]) -> int:
        """Return the number of bytes that a walk over `stops` reads from files."""
        ...

    def held_bytes(self, *, is_scaled: bool) -> int:
        """Return the peak size in bytes of streamed layers, tensors outside the layers, and scaled copies."""
        ...


class StoredLayers:
    """The stored layers of a checkpoint, for the modules of `model`, whose layers may be on the meta device."""

    def __init__(self, checkpoint: Checkpoint, model: Any) -> None:
        self.checkpoint = checkpoint
        self.model = model
        self.modules = decoder_layers(model)

    @cached_property
    def is_converted(self) -> bool:
        """True if a stored tensor may differ from the module's parameter of the same name."""
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightConverter

        if self.model._keep_in_fp32_modules or self.model._keep_in_fp32_modules_strict:
            return True
        mapping = get_model_conversion_mapping(self.model)
        if any(isinstance(entry, WeightConverter) for entry in mapping):
            return True
        return not all(map(self._is_stored_as_held, range(len(self.modules))))

    def nbytes(self, layer: int) -> int:
        """Return the size of a layer in the file in bytes."""
        return sum(tensor.nbytes for tensor in self.checkpoint.layer_tensors(layer))

    def read(self, layer: int, suffixes: Sequence[str] | None = None) -> Weights:
        """Return a layer's tensors, or those of `suffixes`, as stored, on the CPU, each in separate memory."""
        return dict(self.read_each(layer, self.checkpoint.anatomy.layers[layer] if suffixes is None else suffixes))

    def read_each(self, layer: int, suffixes: Sequence[str]) -> "Iterator[tuple[str, torch.Tensor]]":
        """Yield a layer's tensors individually. Uses neither model nor device, so it can run in a thread."""
        return read_tensors({suffix: self._stored(layer, suffix) for suffix in suffixes})

    def changed(self, step: Step, device: Any) -> Weights:
        """Return the weights that replace the module's own for `step`; empty for an unscaled visit."""
        scalings = step_scalings(self.checkpoint, step)
        if not scalings:
            return {}
        return self.weights(step, self.read(step.layer, None if self.is_converted else list(scalings)), device)

    def weights(self, step: Step, stored: Weights, device: Any) -> Weights:
        """Return the module's tensors of `stored` in the model's dtype, scaled as in `step`."""
        scalings = step_scalings(self.checkpoint, step)
        merged = {}
        for suffix, tensor in stored.items():
            scaling = scalings.get(suffix)
            merged[suffix] = (
                tensor
                if scaling is None
                else scaled(tensor, tensor.dtype, tensor.dtype, scaling.factor, scaling.offset)
            )
        if self.is_converted:
            return {name: tensor.to(device) for name, tensor in self._converted(step.layer, merged).items()}
        return {name: tensor.to(device, self.model.dtype) for name, tensor in merged.items()}

    def _stored(self, layer: int, suffix: str) -> StoredTensor:
        return self.checkpoint.tensors[self.checkpoint.anatomy.layer_tensor(layer, suffix)]

    def _is_stored_as_held(self, layer: int) -> bool:
        held = {name: tuple(tensor.shape) for name, tensor in self.modules[layer].state_dict().items()}
        suffixes = self.checkpoint.anatomy.layers[layer]
        stored = {suffix: self._stored(layer, suffix) for suffix in suffixes}
        is_float = all(tensor.dtype in DTYPE_NAMES for tensor in stored.values())
        return is_float and held == {suffix: tensor.shape for suffix, tensor in stored.items()}

    def _converted(self, layer: int, stored: Weights) -> Weights:
        """Convert a layer as transformers does when loading; all other layers are on the meta device."""
        tensors: dict[str, Any] = {
            name: shape_only(tensor.shape, tensor.dtype) for name, tensor in self.checkpoint.tensors.items()
        }
        for suffix, tensor in stored.items():
            tensors[self.checkpoint.anatomy.layer_tensor(layer, suffix)] = tensor
        what = f"layer {layer} of {self.checkpoint.reference}"
        model, _ = loaded_from_tensors(self.model.config, tensors, what, self.model.dtype)
        weights: Weights = {name: tensor.detach() for name, tensor in decoder_layers(model)[layer].state_dict().items()}
        missing = [name for name, tensor in weights.items() if tensor.is_meta]
        if missing:
            raise CheckpointError(f"{what} lacks weights", why=", ".join(map(shown, missing[:3])))
        return weights


class ResidentLayers:
    """The layers of an opened model and its checkpoint."""

    is_resident = True

    def __init__(self, checkpoint: Checkpoint, model: Any) -> None:
        self.checkpoint = checkpoint
        self.model = model
        self._stored = StoredLayers(checkpoint, model)

    @contextmanager
    def walk(self, _stops: Sequence[Stop], _counted: Counted) -> Iterator["ResidentLayers"]:
        yield self

    def weights(self, step: Step) -> Weights | None:
        return self._stored.changed(step, device_of(self._stored.modules[step.layer])) or None

    def read_bytes(self, _stops: Sequence[Stop]) -> int:
        return 0

    def held_bytes(self, *, is_scaled: bool) -> int:
        """Return the maximum size of the copies of one layer's weights in bytes."""
        layers = range(self.checkpoint.layer_count)
        return 2 * max(map(self._stored.nbytes, layers)) if is_scaled else 0
