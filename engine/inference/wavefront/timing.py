"""Estimated duration of a sweep, from timing one layer and one head on the first batch of its text."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from engine.inference.replay import record
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.chunk import RecordedRows
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.visits import Step
from engine.inference.wavefront.work import Work
from engine.tensors.library import torch_library


def expected_seconds(work: Work[Any]) -> float:
    """Return the estimated duration in seconds. Cost: two layer runs, two heads, and reading a streamed layer.

    Reading and computing overlap, so the longer of the two counts. Raises like `Work.run`.
    """
    with torch_library().inference_mode():
        layer, head, read = _timed(work)
    batches = sum(batch.numel() for batch in work.batches) / work.batches[0].numel()
    computing = work.trie.edges * batches * layer
    return max(computing, work.announced.layer_reads * read) + len(work.trie.ending) * batches * head


def _timed(work: Work[Any]) -> tuple[float, float, float]:
    """Return the seconds of a layer and of a head on the first batch, and of reading a layer."""
    model, tokens = work.layers.model, work.batches[0]
    rows = RecordedRows(0, tokens.to(model.device), record(model, tokens))
    hidden = rows.recording.embedded
    step = Step(work.layers.checkpoint.layer_count // 2)
    began = perf_counter()
    with work.layers.walk([Stop(step.layer, is_scaled=False)], Counted()) as walk:
        weights = walk.weights(step)
        read = perf_counter() - began
        layer = _second(lambda: rows.recording.layer(step.layer, hidden, weights), model)
    work.reader.read_base(rows, hidden, keep=work.keeps_base)
    base = hidden if work.reader.compares and not work.keeps_base else None
    head = _second(lambda: work.reader.read(rows, hidden, base), model)
    work.reader.forget(rows)
    return layer, head, read


def _second(compute: Callable[[], object], model: Any) -> float:
    """Return the seconds of the second of two runs; the first one warms up memory and kernels."""
    compute()
    _wait(model)
    began = perf_counter()
    compute()
    _wait(model)
    return perf_counter() - began


def _wait(model: Any) -> None:
    if model.device.type == "cuda":
        torch_library().cuda.synchronize(model.device)
