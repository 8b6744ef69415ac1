"""Layers that are read from the files when they are needed: one is computed with while the next is being read.

The model keeps its ends alone; its layers stay on the meta device, and each is called with the weights just read.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.errors import CheckpointError, UsageError, shown
from engine.inference.devices import devices_named, require_device
from engine.inference.opened import require_dtype, require_finite_weights, require_language_head, require_loaded
from engine.inference.opening import loaded_from_tensors, read_model_config, shape_only
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.stored_layer import StoredLayers, Weights, read_tensors_of
from engine.inference.wavefront.visits import Step, step_scalings


class StreamedLayers:
    """The layers of a checkpoint that need not fit the device."""

    is_resident = False

    def __init__(self, checkpoint: Checkpoint, dtype: str = "auto", device: str = "cpu") -> None:
        """Loads embeddings, final norm and head.

        Raises like `open_model`; UsageError for a set of devices and CheckpointError for a quantised checkpoint, which
        cannot be streamed.
        """
        self.checkpoint = checkpoint
        self.model = _ends(checkpoint, dtype, device)
        self.stored = StoredLayers(checkpoint, self.model)
        self.finite: set[int] = set()
        """Layers whose weights have been looked at."""

    @contextmanager
    def walk(self, stops: Sequence[Stop], counted: Counted) -> Iterator["_Reading"]:
        with ThreadPoolExecutor(1, "layers") as thread:
            yield _Reading(self, stops, counted, thread)

    def read_bytes(self, stops: Sequence[Stop]) -> int:
        return sum(self.stored.nbytes(stop.layer) for stop in stops)

    def held_bytes(self, *, is_scaled: bool) -> int:
        """The ends, a layer as it is computed with, the next as it is stored; scaled ones once more in both forms."""
        layers = range(self.checkpoint.layer_count)
        stored, cast = max(map(self.stored.nbytes, layers)), max(map(self._cast_bytes, layers))
        ends: int = sum(parameter.nbytes for parameter in self.model.parameters() if not parameter.is_meta)
        return ends + (stored + cast) * (2 if is_scaled else 1)

    def _cast_bytes(self, layer: int) -> int:
        elements = sum(weight.numel() for weight in self.stored.modules[layer].parameters())
        return int(elements * self.model.dtype.itemsize)


class _Reading:
    """A walk that is always one layer ahead of what is computed, and never more."""

    def __init__(
        self, layers: StreamedLayers, stops: Sequence[Stop], counted: Counted, thread: ThreadPoolExecutor
    ) -> None:
        self._layers = layers
        self._stops = iter(stops)
        self._counted = counted
        self._thread = thread
        self._here: Stop | None = None
        self._stored: Weights = {}
        self._plain: Weights = {}
        self._next: tuple[Stop, Future[Weights]] | None = None
        self._read_on()

    def weights(self, step: Step) -> Weights:
        if self._here is None or self._here.layer != step.layer:
            self._go_on(step.layer)
        stored, checkpoint = self._layers.stored, self._layers.checkpoint
        scalings = step_scalings(checkpoint, step)
        if not scalings:
            return self._plain
        if stored.is_converted:
            return stored.weights(step, self._stored, self._layers.model.device)
        scaled = {suffix: self._stored[suffix] for suffix in scalings}
        return {**self._plain, **stored.weights(step, scaled, self._layers.model.device)}

    def _go_on(self, layer: int) -> None:
        """To the next stop, which is of `layer`. What was here is let go of before anything more is read."""
        self._plain, self._stored = {}, {}
        assert self._next is not None
        began = perf_counter()
        self._here, stored = self._next[0], self._next[1].result()
        self._next = None
        assert self._here.layer == layer
        self._counted.spent("waiting", began)
        self._counted.layer_reads += 1
        self._counted.read_bytes += sum(tensor.nbytes for tensor in stored.values())
        self._plain = self._usable(layer, stored)
        self._stored = stored if self._here.is_scaled else {}
        del stored
        self._read_on()

    def _usable(self, layer: int, stored: Weights) -> Weights:
        layers = self._layers
        plain = layers.stored.weights(Step(layer), stored, layers.model.device)
        if layer not in layers.finite:
            named = ((layers.checkpoint.anatomy.layer_tensor(layer, name), tensor) for name, tensor in plain.items())
            require_finite_weights(named, layers.checkpoint.directory)
            layers.finite.add(layer)
        return plain

    def _read_on(self) -> None:
        following = next(self._stops, None)
        if following is not None:
            self._next = following, self._thread.submit(self._layers.stored.read, following.layer)


def _ends(checkpoint: Checkpoint, dtype: str, device: str) -> Any:
    """The checkpoint's model with weights outside its layers only."""
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
            why="it is quantised, and its layers mean something only together with how transformers opens them",
            fix="Use a checkpoint that is not quantised.",
        )
    outside = {name: checkpoint.tensors[name] for name in checkpoint.anatomy.ends}
    tensors: dict[str, Any] = {
        name: shape_only(tensor.shape, tensor.dtype)
        for name, tensor in checkpoint.tensors.items()
        if name not in outside
    }
    model, info = loaded_from_tensors(config, {**tensors, **read_tensors_of(outside)}, str(checkpoint.directory), dtype)
    require_loaded(info, str(checkpoint.directory))
    named = [(name, weight) for name, weight in model.named_parameters() if not weight.is_meta]
    require_finite_weights(named, checkpoint.directory)
    for tensor in [*model.parameters(), *model.buffers()]:
        if not tensor.is_meta:
            tensor.data = tensor.data.to(device)
    return model.eval()
