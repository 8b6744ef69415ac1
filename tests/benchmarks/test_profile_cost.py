"""What a profile costs: the whole task, writes included, against plain forward passes over the same tokens.

SmolLM2-135M in float32 on one thread, alternating in one process; the model is open before the clock starts.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.errors import MachineError
from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.store.location import store_path
from engine.tasks import profile
from engine.tasks.demo_model import demo_model
from engine.tasks.measurement_options import MeasurementOptions, as_request
from engine.tasks.resident import model_of, sequences_of

pytestmark = [pytest.mark.bench, pytest.mark.real_model, pytest.mark.timeout(1200)]

ROUNDS = 3
SETTING = MeasurementOptions(tokens=16384, seq_len=512, dtype="float32", device="cpu", batch_size=4)
NEURONS = 30 * 1536
MOST_STORED = 10_000_000


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    try:
        return open_checkpoint(demo_model(tmp_path_factory.mktemp("model")).directory)
    except MachineError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def plain(checkpoint: Checkpoint) -> Callable[[], None]:
    """The forward pass that transformers offers, logits and all."""
    model, sequences = model_of(checkpoint, SETTING), sequences_of(checkpoint, SETTING)

    def run() -> None:
        with torch.inference_mode():
            for batch in sequences.split(SETTING.batch_size):
                model(batch.tokens, use_cache=False)

    return run


def headless(checkpoint: Checkpoint) -> Callable[[], None]:
    """What a profile runs: no language head."""
    model, sequences = model_of(checkpoint, SETTING), sequences_of(checkpoint, SETTING)

    def run() -> None:
        with torch.inference_mode():
            for batch in sequences.split(SETTING.batch_size):
                model.base_model(batch.tokens, use_cache=False)

    return run


def profiling(checkpoint: Checkpoint, home: Path) -> Callable[[], None]:
    request = {**as_request(SETTING), "home": str(home), "model": str(checkpoint.directory)}
    return lambda: profile.run(request, no_report)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_a_profile_costs_at_most_a_quarter_more_than_forward_passes(checkpoint: Checkpoint, home: Path) -> None:
    forward, without_head = plain(checkpoint), headless(checkpoint)
    ratios, body_ratios, spent = [], [], []
    for number in range(ROUNDS):
        task, whole, body = map(seconds, (profiling(checkpoint, home / str(number)), forward, without_head))
        spent.append(task)
        ratios.append(task / whole)
        body_ratios.append(task / body)
    print(
        f"\nprofile of {SETTING.tokens:,} tokens: {statistics.median(spent):.1f} s, "
        f"{statistics.median(ratios):.2f} x forward passes (from {min(ratios):.2f} to {max(ratios):.2f}), "
        f"{statistics.median(body_ratios):.2f} x passes without the head "
        f"(from {min(body_ratios):.2f} to {max(body_ratios):.2f}), load {os.getloadavg()[0]:.1f}"
    )
    assert statistics.median(ratios) <= 1.25


def test_every_neuron_of_it_fits_into_ten_megabytes(checkpoint: Checkpoint, home: Path) -> None:
    profiling(checkpoint, home / "0")()
    store = store_path(home / "0")
    with closing(open_for_reading(store)) as connection:
        (count,) = connection.row("SELECT count(*) FROM neuron_statistics") or (0,)
    print(f"\nstore of {count:,} neurons: {store.stat().st_size / 1e6:.1f} MB")
    assert count == NEURONS
    assert store.stat().st_size < MOST_STORED
