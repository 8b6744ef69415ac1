"""Layers read from files when needed; the next layer is prefetched during computation.

Only the tensors outside the layers stay in memory; the model's layers are on the meta device and are called with the
weights just read.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.errors import CheckpointError, UsageError, shown
from engine.inference.devices import devices_named, require_device
from engine.inference.load_model import require_dtype, require_finite_weights, require_language_head, require_loaded
from engine.inference.meta_model import loaded_from_tensors, read_model_config, shape_only
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.layers import StoredLayers, Weights
from engine.inference.wavefront.schedule import Stop
from engine.inference.wavefront.visits import Step, step_scalings
from engine.tensors.reading import read_tensors


class StreamedLayers:
    """The layers of a checkpoint that need not fit in the device's memory."""

    is_resident = False

    def __init__(self, checkpoint: Checkpoint, dtype: str = "auto", device: str = "cpu") -> None:
        """Load embeddings, final norm and head.

        Raises like `open_model`, and also UsageError for a set of devices and CheckpointError for a quantised
        checkpoint, which cannot be streamed.
        """
        self.checkpoint = checkpoint
        self.model = _ends(checkpoint, dtype, device)
        self.stored = StoredLayers(checkpoint, self.model)
        self.finite: set[int] = set()
        """Layers whose weights were checked to be finite."""

    @contextmanager
    def walk(self, stops: Sequence[Stop], counted: Counted) -> Iterator["_Reading"]:
        with ThreadPoolExecutor(1, "layers") as thread:
            yield _Reading(self, stops, counted, thread)

    def read_bytes(self, stops: Sequence[Stop]) -> int:
        return sum(self.stored.nbytes(stop.layer) for stop in stops)

    def held_bytes(self, *, is_scaled: bool) -> int:
        """Return the size in bytes of the tensors outside the layers and two layers, plus stored and scaled copies.

        During conversion a layer exists in both forms, and the next one is not read yet.
        """
        layers = range(self.checkpoint.layer_count)
        stored, cast = max(map(self.stored.nbytes, layers)), max(map(self._cast_bytes, layers))
        ends: int = sum(parameter.nbytes for parameter in self.model.parameters() if not parameter.is_meta)
        two = stored + cast if self.stored.is_converted else 2 * cast
        return ends + two + (2 * stored + cast if is_scaled else 0)

    def _cast_bytes(self, layer: int) -> int:
        elements = sum(weight.numel() for weight in self.stored.modules[layer].parameters())
        return int(elements * self.model.dtype.itemsize)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A layer read by the thread."""

    stop: Stop
    read_bytes: int
    stored: Weights
    """Tensors as stored, if needed for conversion or scaling."""
    plain: Weights
    """Tensors ready for use; empty if transformers must convert the layer, which is not done in the thread."""


class _Reading:
    """A walk that prefetches exactly one layer."""

    def __init__(
        self, layers: StreamedLayers, stops: Sequence[Stop], counted: Counted, thread: ThreadPoolExecutor
    ) -> None:
        self._layers = layers
        self._is_converted = layers.stored.is_converted
        self._stops = iter(stops)
        self._counted = counted
        self._thread = thread
        self._layer: int | None = None
        self._stored: Weights = {}
        self._plain: Weights = {}
        self._next: Future[_Fetched] | None = None
        self._read_on()

    def weights(self, step: Step) -> Weights:
        if self._layer != step.layer:
            self._go_on(step.layer)
        stored, device = self._layers.stored, self._layers.model.device
        scalings = step_scalings(self._layers.checkpoint, step)
        if not scalings:
            return self._plain
        if self._is_converted:
            return stored.weights(step, self._stored, device)
        return {**self._plain, **stored.weights(step, {suffix: self._stored[suffix] for suffix in scalings}, device)}

    def _go_on(self, layer: int) -> None:
        """Move to the next stop, which must be `layer`. The current weights are freed before the next read."""
        self._plain, self._stored = {}, {}
        assert self._next is not None
        began = perf_counter()
        fetched, self._next = self._next.result(), None
        assert fetched.stop.layer == layer
        self._counted.spent("waiting", began)
        self._counted.layer_reads += 1
        self._counted.read_bytes += fetched.read_bytes
        if self._is_converted:
            self._plain = self._layers.stored.weights(Step(layer), fetched.stored, self._layers.model.device)
        else:
            self._plain = fetched.plain
        self._stored = fetched.stored if fetched.stop.is_scaled else {}
        self._layer = layer
        del fetched
        self._require_finite(layer)
        self._read_on()

    def _require_finite(self, layer: int) -> None:
        """Check the layer's weights when it is read for the first time."""
        if layer not in self._layers.finite:
            checkpoint = self._layers.checkpoint
            named = ((checkpoint.anatomy.layer_tensor(layer, name), tensor) for name, tensor in self._plain.items())
            require_finite_weights(named, checkpoint.directory)
            self._layers.finite.add(layer)

    def _read_on(self) -> None:
        following = next(self._stops, None)
        if following is not None:
            self._next = self._thread.submit(self._fetched, following)

    def _fetched(self, stop: Stop) -> _Fetched:
        """Read a layer in the thread, one tensor at a time to limit the memory for both forms."""
        model, stored, plain, read_bytes = self._layers.model, {}, {}, 0
        suffixes = self._layers.checkpoint.anatomy.layers[stop.layer]
        for suffix, tensor in self._layers.stored.read_each(stop.layer, suffixes):
            read_bytes += tensor.nbytes
            if self._is_converted or stop.is_scaled:
                stored[suffix] = tensor
            if not self._is_converted:
                plain[suffix] = tensor.to(model.device, model.dtype)
        return _Fetched(stop, read_bytes, stored, plain)


def _ends(checkpoint: Checkpoint, dtype: str, device: str) -> Any:
    """Return the checkpoint's model with weights only outside its layers."""
    require_local(checkpoint)
    require_dtype(dtype)
    require_device(device)
    if len(devices_named(device)) > 1:
        raise UsageError(f"layers are streamed to one device, not to {shown(device)}", fix="Name one of them.")
    config = read_model_config(checkpoint.directory)
    require_language_head(checkpoint.directory, config)
    if getattr(config, "quantization_config", None):
        raise CheckpointError(
            f"{checkpoint.directory} cannot be streamed",
            why="it is quantised, and its layers can only be interpreted by transformers' loading code",
            fix="Use a checkpoint that is not quantised.",
        )
    outside = {name: checkpoint.tensors[name] for name in checkpoint.anatomy.ends}
    tensors: dict[str, Any] = {
        name: shape_only(tensor.shape, tensor.dtype)
        for name, tensor in checkpoint.tensors.items()
        if name not in outside
    }
    model, info = loaded_from_tensors(
        config, {**tensors, **dict(read_tensors(outside))}, str(checkpoint.directory), dtype
    )
    require_loaded(info, str(checkpoint.directory))
    named = [(name, weight) for name, weight in model.named_parameters() if not weight.is_meta]
    require_finite_weights(named, checkpoint.directory)
    for tensor in [*model.parameters(), *model.buffers()]:
        if not tensor.is_meta:
            tensor.data = tensor.data.to(device)
    return model.eval()
