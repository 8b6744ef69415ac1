"""Planning and execution of a sweep: a schedule from plans, text and memory limit, its cost and duration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from engine.inference.devices import too_little_for_one_sequence
from engine.inference.library import is_out_of_memory, one_line
from engine.inference.replay import record
from engine.inference.wavefront.budget import Announced, Counted
from engine.inference.wavefront.chunk import Chunk, RecordedRows
from engine.inference.wavefront.costs import costs_of
from engine.inference.wavefront.layers import Layers, Walk
from engine.inference.wavefront.readers import Reader
from engine.inference.wavefront.schedule import Advance, Order, Stop, depth_first, in_passes, stops
from engine.inference.wavefront.trie import Trie, trie_of
from engine.inference.wavefront.visits import BASE, Step, Visits
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Value = TypeVar("Value")

OnRead: TypeAlias = Callable[[int, Value], None]
"""Called with a plan's number, or BASE, and its value on one chunk of the text, in the order of the chunks."""


@dataclass(frozen=True)
class Work(Generic[Value]):
    """A planned sweep."""

    layers: Layers
    trie: Trie
    order: Order
    batches: "Sequence[torch.Tensor]"
    """Token ids, each [B, T]; shapes may differ if rows are padded on the right."""
    chunks: Sequence[range]
    """Numbers of the batches of each chunk."""
    reader: Reader[Any, Value]
    keeps_base: bool
    """True if the reader keeps the base's predictions instead of recomputing its logits for each plan."""
    together: int
    """Maximum number of edges of one layer that are run as one batch."""
    announced: Announced

    def run(self, report: Report, on_read: OnRead[Value]) -> Counted:
        """Run the sweep, the base first in each chunk, and report layer runs.

        Raises MachineError if the memory does not suffice.
        """
        running = _Running(self, report, on_read)
        try:
            with torch_library().inference_mode():
                running.run()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise too_little_for_one_sequence(self.batches[0].shape[1], one_line(error)) from error
        return running.counted


def plan_work(
    layers: Layers,
    plans: Sequence[Visits],
    batches: "Sequence[torch.Tensor]",
    reader: Reader[Any, Value],
    memory_bytes: int,
    together: int = 1,
) -> Work[Value]:
    """Schedule `plans` on `batches` within `memory_bytes`: depth first for resident layers, else in passes.

    together: maximum number of edges of one layer that are run as one batch. 1 is exactly equal to plain forward
    passes; more is faster if a batch has few tokens, and differs in the last bits.
    Raises PlanError for invalid visits, UsageError and CheckpointError for text that the model cannot process or layers
    that cannot be run individually, MachineError if the memory does not suffice for one batch.
    """
    trie = trie_of(plans, layers.checkpoint.layer_count)
    order = depth_first(trie) if layers.is_resident and together == 1 else in_passes(trie)
    costs = costs_of(layers, trie, order, batches, reader, together)
    keeps = reader.compares and costs.has_room_for_base(memory_bytes, is_resident=layers.is_resident)
    cut = costs.chunks(memory_bytes, keeps_base=keeps)
    announced = costs.announced(layers, trie, order, cut, keeps_base=keeps)
    return Work(layers, trie, order, batches, cut, reader, keeps, together, announced)


class _Running(Generic[Value]):
    """State of a running sweep."""

    def __init__(self, work: Work[Value], report: Report, on_read: OnRead[Value]) -> None:
        self.work = work
        self.counted = Counted()
        self._report = report
        self._on_read = on_read
        self._plans_done = 0

    def run(self) -> None:
        work = self.work
        walked = stops(work.trie, work.order) * len(work.chunks)
        self._report_progress()
        with work.layers.walk(walked, self.counted) as walk:
            for numbers in work.chunks:
                self._run_chunk(numbers, walk)
                self.counted.chunks += 1

    def _run_chunk(self, numbers: range, walk: Walk) -> None:
        work = self.work
        rows = [self._recorded(number) for number in numbers]
        chunk = Chunk(work.trie, work.layers.model, rows, self.counted)
        for step in work.order:
            if isinstance(step, Advance):
                for _ in chunk.advance(step, walk, work.together):
                    self._report_progress()
                continue
            parts = chunk.read(step.node, work.reader, keeps=work.keeps_base)
            self._pass_on(step.node, work.reader.joined(parts), is_last=numbers.stop == len(work.batches))
        self.counted.state_bytes = max(self.counted.state_bytes, chunk.states.most_bytes)
        for batch in rows:
            work.reader.forget(batch)

    def _recorded(self, number: int) -> RecordedRows:
        began = perf_counter()
        recording = record(self.work.layers.model, self.work.batches[number])
        self.counted.spent("recording", began)
        return RecordedRows(number, self.work.batches[number].to(self.work.layers.model.device), recording)

    def _pass_on(self, node: int, value: Value, *, is_last: bool) -> None:
        for plan in self.work.trie.ending[node]:
            self._on_read(plan, value)
            self._plans_done += is_last and plan != BASE
        self._report_progress()

    def _report_progress(self) -> None:
        plans = sum(map(len, self.work.trie.ending.values())) - 1
        what = f"layers run; {self._plans_done} of {plans} plans done"
        self._report(self.counted.layer_forwards, self.work.announced.layer_forwards, what)


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
