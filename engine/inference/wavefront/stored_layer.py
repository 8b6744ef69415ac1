"""A layer's weights from the checkpoint's files: read with pread, scaled as a merge scales them, cast, and named as
transformers' module names them.

Where the family stores its layers otherwise than its modules hold them (fused experts), transformers' own conversion
makes the one from the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError, shown
from engine.inference.meta_model import loaded_from_tensors, shape_only
from engine.inference.signature import decoder_layers
from engine.inference.wavefront.visits import Step, step_scalings
from engine.tensors.arithmetic import scaled
from engine.tensors.library import DTYPE_NAMES
from engine.tensors.reading import read_tensors

if TYPE_CHECKING:
    import torch

Weights: TypeAlias = Mapping[str, "torch.Tensor"]
"""By name within the layer: the file's names while they are stored, the module's when they are to be used."""


class StoredLayers:
    """The layers of a checkpoint in its files, for the modules of `model` (whose layers may be on the meta device)."""

    def __init__(self, checkpoint: Checkpoint, model: Any) -> None:
        self.checkpoint = checkpoint
        self.model = model
        self.modules = decoder_layers(model)

    @cached_property
    def is_converted(self) -> bool:
        """Whether a tensor of the file may be something else than the module's of the same name."""
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightConverter

        if self.model._keep_in_fp32_modules or self.model._keep_in_fp32_modules_strict:
            return True
        mapping = get_model_conversion_mapping(self.model)
        if any(isinstance(each, WeightConverter) for each in mapping):
            return True
        return not all(map(self._is_stored_as_held, range(len(self.modules))))

    def nbytes(self, layer: int) -> int:
        """Of the whole layer in the file."""
        return sum(tensor.nbytes for tensor in self.checkpoint.layer_tensors(layer))

    def read(self, layer: int, suffixes: Sequence[str] | None = None) -> Weights:
        """The layer's tensors, or some of them, as they are stored; on the CPU, each with memory of its own."""
        return dict(self.read_each(layer, self.checkpoint.anatomy.layers[layer] if suffixes is None else suffixes))

    def read_each(self, layer: int, suffixes: Sequence[str]) -> "Iterator[tuple[str, torch.Tensor]]":
        """The same, one by one. Touches neither the model nor a device, so that a thread may do it."""
        return read_tensors({suffix: self._stored(layer, suffix) for suffix in suffixes})

    def changed(self, step: Step, device: Any) -> Weights:
        """What the module of `step` needs instead of its own weights; empty where it is not scaled."""
        scalings = step_scalings(self.checkpoint, step)
        if not scalings:
            return {}
        return self.weights(step, self.read(step.layer, None if self.is_converted else list(scalings)), device)

    def weights(self, step: Step, stored: Weights, device: Any) -> Weights:
        """The module's tensors that `stored` has, in the model's dtype, those that `step` scales scaled."""
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
        """What transformers makes of the layer when it loads the model; the other layers stay shapes."""
        tensors: dict[str, Any] = {
            name: shape_only(tensor.shape, tensor.dtype) for name, tensor in self.checkpoint.tensors.items()
        }
        for suffix, tensor in stored.items():
            tensors[self.checkpoint.anatomy.layer_tensor(layer, suffix)] = tensor
        what = f"layer {layer} of {self.checkpoint.reference}"
        model, _ = loaded_from_tensors(self.model.config, tensors, what, self.model.dtype)
        weights: Weights = {name: tensor.detach() for name, tensor in decoder_layers(model)[layer].state_dict().items()}
        lacking = [name for name, tensor in weights.items() if tensor.is_meta]
        if lacking:
            raise CheckpointError(f"{what} lacks weights", why=", ".join(map(shown, lacking[:3])))
        return weights
