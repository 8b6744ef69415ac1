"""How long a sweep will take, from the time of one layer and one head on its first batch."""

from time import perf_counter
from typing import TYPE_CHECKING, Any

from engine.inference.replay import record
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.reading import Reader
from engine.inference.wavefront.visits import Step
from engine.inference.wavefront.work import Work
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_TRIALS = 3
"""The quickest counts: the first one warms up."""


class _First:
    """The first batch, as a reader sees it, under a number that no batch has."""

    number = -1

    def __init__(self, tokens: "torch.Tensor", recording: Any) -> None:
        self.tokens = tokens
        self._recording = recording

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = self._recording.logits(hidden)
        return logits


def expected_seconds(work: Work[Any]) -> float | None:
    """Of `work.run`: layers, heads, and for layers that are streamed their reading, whichever takes longer.

    None for readers that cannot be tried beforehand.
    """
    if not work.reader.compares:
        return None
    with torch_library().inference_mode():
        layer, read, head = _times(work)
    batches = len(work.batches) / len(work.chunks)
    announced = work.announced
    computing = batches * (announced.layer_forwards * layer + announced.heads * head)
    return max(computing, announced.layer_reads * read)


def _times(work: Work[Any]) -> tuple[float, float, float]:
    """Seconds of one layer on one batch, of reading its weights, of one head."""
    layers, counted = work.layers, Counted()
    tokens = work.batches[0].to(layers.model.device)
    recording = record(layers.model, work.batches[0])
    began = perf_counter()
    with layers.walk([Stop(0, is_scaled=False)], counted) as walk:
        weights = walk.weights(Step(0))
        read = perf_counter() - began
        layer = min(
            _timed(lambda: recording.layer(0, recording.embedded, weights), layers.model) for _ in range(_TRIALS)
        )
    reader: Reader[Any, Any] = work.reader
    rows = _First(tokens, recording)
    reader.read_base(rows, recording.embedded, keep=True)
    head = min(_timed(lambda: reader.read(rows, recording.embedded, None), layers.model) for _ in range(_TRIALS))
    reader.forget(rows)
    return layer, read, head


def _timed(work: Any, model: Any) -> float:
    began = perf_counter()
    work()
    if model.device.type == "cuda":
        torch_library().cuda.synchronize()
    return perf_counter() - began
