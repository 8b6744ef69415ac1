"""The sweep itself: plans, text and memory become a schedule that says what it costs, and is then run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from engine.inference.devices import too_little_for_one_sequence
from engine.inference.failures import is_out_of_memory, one_line
from engine.inference.replay import record
from engine.inference.wavefront.budget import Announced, Counted
from engine.inference.wavefront.chunk import Chunk, RecordedRows
from engine.inference.wavefront.costs import costs_of
from engine.inference.wavefront.layers import Layers, Walk
from engine.inference.wavefront.order import Advance, Order, Stop, depth_first, in_passes, stops
from engine.inference.wavefront.reading import Reader
from engine.inference.wavefront.trie import Trie, trie_of
from engine.inference.wavefront.visits import BASE, Step, Visits
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Value = TypeVar("Value")

OnRead: TypeAlias = Callable[[int, Value], None]
"""Called with a plan's number, or BASE, and its value on one chunk of the text; the chunks come in their order."""


@dataclass(frozen=True)
class Work(Generic[Value]):
    """A sweep that has been planned."""

    layers: Layers
    trie: Trie
    order: Order
    batches: "Sequence[torch.Tensor]"
    """Token ids, each [B, T]; not all of one shape, where rows are padded on the right."""
    chunks: Sequence[range]
    """Numbers of the batches of each."""
    reader: Reader[Any, Value]
    keeps_base: bool
    """Whether the reader keeps what it needs of the base, instead of computing its logits for each plan again."""
    together: int
    """Edges of one layer run at once, at most."""
    announced: Announced

    def run(self, report: Report, on_read: OnRead[Value]) -> Counted:
        """Run it; of each chunk the base comes first. `report` hears of layer-forwards done of all.

        Raises MachineError when the memory does not suffice.
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
    """The schedule of `plans` on `batches` within `memory_bytes`: depth first over resident layers, else in passes.

    together: edges of one layer that are run as one batch, at most. 1 gives exactly what plain forward passes give,
    more is faster where a layer has few tokens to compute with, and differs in the last bits.
    Raises PlanError for visits that are none, UsageError and CheckpointError for text that the model cannot take or
    layers that cannot be run one by one, MachineError when the memory does not suffice for one batch.
    """
    trie = trie_of(plans, layers.checkpoint.layer_count)
    order = depth_first(trie) if layers.is_resident and together == 1 else in_passes(trie)
    costs = costs_of(layers, trie, order, batches, reader, together)
    keeps = reader.compares and costs.has_room_for_base(memory_bytes, is_resident=layers.is_resident)
    cut = costs.chunks(memory_bytes, keeps_base=keeps)
    announced = costs.announced(layers, trie, order, cut, keeps_base=keeps)
    return Work(layers, trie, order, batches, cut, reader, keeps, together, announced)


class _Running(Generic[Value]):
    """A sweep under way."""

    def __init__(self, work: Work[Value], report: Report, on_read: OnRead[Value]) -> None:
        self.work = work
        self.counted = Counted()
        self._report = report
        self._on_read = on_read
        self._plans_done = 0

    def run(self) -> None:
        work = self.work
        walked = stops(work.trie, work.order) * len(work.chunks)
        self._tell()
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
                    self._tell()
                continue
            parts = chunk.read(step.node, work.reader, keeps=work.keeps_base)
            self._pass_on(step.node, work.reader.joined(parts), is_last=numbers.stop == len(work.batches))
        self.counted.state_bytes = max(self.counted.state_bytes, chunk.states.most_bytes)
        for each in rows:
            work.reader.forget(each)

    def _recorded(self, number: int) -> RecordedRows:
        began = perf_counter()
        recording = record(self.work.layers.model, self.work.batches[number])
        self.counted.spent("recording", began)
        return RecordedRows(number, self.work.batches[number].to(self.work.layers.model.device), recording)

    def _pass_on(self, node: int, value: Value, *, is_last: bool) -> None:
        for plan in self.work.trie.ending[node]:
            self._on_read(plan, value)
            self._plans_done += is_last and plan != BASE
        self._tell()

    def _tell(self) -> None:
        plans = sum(map(len, self.work.trie.ending.values())) - 1
        what = f"layers run; {self._plans_done} of {plans} plans done"
        self._report(self.counted.layer_forwards, self.work.announced.layer_forwards, what)


def expected_seconds(work: Work[Any]) -> float:
    """Costs two runs of a layer, two heads, and the reading of a layer where layers are streamed.

    Reading and computing go on side by side, so the longer of the two counts. Raises like `Work.run`.
    """
    with torch_library().inference_mode():
        layer, head, read = _timed(work)
    batches = sum(batch.numel() for batch in work.batches) / work.batches[0].numel()
    computing = work.trie.edges * batches * layer
    return max(computing, work.announced.layer_reads * read) + len(work.trie.ending) * batches * head


def _timed(work: Work[Any]) -> tuple[float, float, float]:
    """Seconds of a layer and of a head on the first batch, and of reading a layer."""
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
    """Seconds of the second of two runs: the first makes memory and kernels ready."""
    compute()
    _wait(model)
    began = perf_counter()
    compute()
    _wait(model)
    return perf_counter() - began


def _wait(model: Any) -> None:
    if model.device.type == "cuda":
        torch_library().cuda.synchronize(model.device)
