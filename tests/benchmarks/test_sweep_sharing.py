"""What sharing saves: all blocks of SmolLM2 up to width 8, on one thread, against single layers and heads timed beside.

A head is what a plan costs behind its layers: norm, projection, NLL, KL, top-1. Layers and heads are timed between the
parts of the sweep, so that what else the machine does falls on both.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import MachineError
from engine.inference.load_model import open_model
from engine.inference.replay import record
from engine.inference.wavefront.chunk import RecordedRows
from engine.inference.wavefront.layers import ResidentLayers
from engine.inference.wavefront.readers import Likelihood
from engine.inference.wavefront.visits import visits
from engine.inference.wavefront.work import plan_work
from engine.protocol import no_report
from engine.tasks.demo_model import demo_model

pytestmark = [pytest.mark.bench, pytest.mark.real_model, pytest.mark.timeout(1200)]

LAYERS, WIDEST = 30, 8
TOKENS = torch.randint(0, 49152, (2, 64), generator=torch.Generator().manual_seed(1))
BLOCKS = [(i, j) for i in range(LAYERS) for j in range(i + 1, min(i + WIDEST, LAYERS) + 1)]
PLANS = [visits([*range(j), *range(i, LAYERS)]) for i, j in BLOCKS]
MEMORY = 4 * 2**30
LEAST_SHARING, LEAST_OF_PREDICTED = 1.95, 0.95
EVERY_EDGES = 400
"""So many edges of the sweep between two timings."""


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> ResidentLayers:
    try:
        source = demo_model(tmp_path_factory.mktemp("model")).directory
    except MachineError as error:
        pytest.skip(str(error))
    return ResidentLayers(open_checkpoint(Path(source)), open_model(source, "float32"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Timings:
    """Seconds of all sequences through one layer, and through one head."""

    def __init__(self, layers: ResidentLayers) -> None:
        self.layer: list[float] = []
        self.head: list[float] = []
        self._reader = Likelihood()
        self._rows = [
            RecordedRows(number, tokens, record(layers.model, tokens)) for number, tokens in enumerate(TOKENS.split(1))
        ]
        for rows in self._rows:
            self._reader.read_base(rows, rows.recording.embedded, keep=True)
        self._take()
        self.layer, self.head = [], []

    def _take(self) -> None:
        hidden = [rows.recording.embedded for rows in self._rows]
        for layer in range(LAYERS):
            began = time.perf_counter()
            hidden = [rows.recording.layer(layer, each) for rows, each in zip(self._rows, hidden, strict=True)]
            self.layer.append(time.perf_counter() - began)
        for _ in range(4):
            began = time.perf_counter()
            for rows, each in zip(self._rows, hidden, strict=True):
                self._reader.read(rows, each, None)
            self.head.append(time.perf_counter() - began)

    def between_edges(self) -> tuple[Callable[[int, int, str], None], list[float]]:
        """A report that takes timings now and then, and the seconds that they took."""
        spent: list[float] = []

        def report(done: int, _total: int, _what: str) -> None:
            if done % EVERY_EDGES == 1:
                began = time.perf_counter()
                self._take()
                spent.append(time.perf_counter() - began)

        return report, spent


def test_a_sweep_takes_the_time_of_its_edges_and_heads(layers: ResidentLayers) -> None:
    work = plan_work(layers, PLANS, TOKENS.split(1), Likelihood(), MEMORY)
    single = LAYERS + sum(map(len, PLANS))
    with torch.inference_mode():
        timings = Timings(layers)
        report, apart = timings.between_edges()
        began = time.perf_counter()
        counted = work.run(report, lambda _plan, _figures: None)
        spent = time.perf_counter() - began - sum(apart)
    layer, head = statistics.fmean(timings.layer), statistics.fmean(timings.head)
    predicted = counted.layer_forwards * layer + counted.heads * head
    one_by_one = single * layer + counted.heads * head
    tell(single, counted, layer, head, spent, predicted, one_by_one)
    assert counted.layer_forwards == work.trie.edges
    assert single / counted.layer_forwards >= LEAST_SHARING
    assert one_by_one / spent >= LEAST_OF_PREDICTED * one_by_one / predicted


def tell(single, counted, layer, head, spent, predicted, one_by_one) -> None:
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in sorted(counted.seconds.items()))
    print(
        f"\n{len(PLANS)} plans and the base, {TOKENS.numel()} tokens: {counted.layer_forwards:,} layer-forwards "
        f"instead of {single:,} ({single / counted.layer_forwards:.3f} times fewer), {counted.heads} heads; "
        f"layer {layer * 1e3:.1f} ms, head {head * 1e3:.1f} ms; {spent:.1f} s, predicted {predicted:.1f} s "
        f"({predicted / spent:.1%}), plan by plan {one_by_one:.1f} s ({one_by_one / spent:.2f} times as long); "
        f"{parts}; load {os.getloadavg()[0]:.1f}"
    )


def test_what_keeping_the_base_saves_of_a_head(layers: ResidentLayers) -> None:
    """The base's logits, computed again for each plan, cost as much as the plan's own."""
    (tokens,) = TOKENS[:1].split(1)
    with torch.inference_mode():
        rows = RecordedRows(0, tokens, record(layers.model, tokens))
        hidden = rows.recording.embedded
        reader = Likelihood()
        reader.read_base(rows, hidden, keep=True)
        kept, again = (
            [seconds(lambda base=base: reader.read(rows, hidden, base)) for _ in range(15)] for base in (None, hidden)
        )
    ratio = statistics.median(again) / statistics.median(kept)
    print(f"\nhead with the base kept: {statistics.median(kept) * 1e3:.1f} ms, computed again: {ratio:.2f} times that")
    assert ratio >= 1.5


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_plans_run_together_on_a_cpu(layers: ResidentLayers) -> None:
    """Why edges are not run together by default: here it gains nothing worth the last bits."""
    tokens = TOKENS.split(1)[:1]
    plans = PLANS[::16]
    rounds = {1: [], 4: []}
    for _ in range(3):
        for together, found in rounds.items():
            work = plan_work(layers, plans, tokens, Likelihood(), MEMORY, together)
            found.append(seconds(lambda work=work: work.run(no_report, lambda _plan, _figures: None)))
    one, four = (statistics.median(found) for found in rounds.values())
    print(f"\n{len(plans)} plans, 64 tokens: {one:.2f} s edge by edge, {four:.2f} s four together ({one / four:.2f} x)")
    assert four > 0
