"""What going through the queue costs: merging, waiting for the first sign of a preview, and doing nothing.

Needs 12 GB of disk below pytest's --basetemp, which should not be a tmpfs.
"""

import json
import shutil
import statistics
import time
from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.jobs.launch import start_workers
from engine.store.job_states import Running, Waiting, now
from engine.store.jobs import JobSpec
from engine.tasks.demo_model import demo_model
from engine.tasks.process import run_task
from tests.benchmarks.test_merge_vs_cp import warm, write_noise
from tests.jobs.test_idle import MOST_CPU, cpu_seconds, loads
from tests.jobs.workplace import Workplace, merge_spec, plan_text
from tests.tiny import llama_config, llama_shapes

pytestmark = pytest.mark.bench

ROUNDS = 7
MOST_SLOWER = 1.10
SIZES = {"layers": 6, "hidden": 4096, "intermediate": 11008, "vocab": 32000}
IDLE_SECONDS = 60.0
WARM_SECONDS = 0.5
SETTING = {"tokens": 4096, "seq_len": 256, "device": "cpu", "dtype": "float32"}


@pytest.fixture
def place(tmp_path):
    place = Workplace(tmp_path / "home")
    yield place
    place.end()


@pytest.fixture
def source(tmp_path):
    """A llama of 2.9 GB; the merge has 3.7 GB."""
    directory = tmp_path / "source"
    directory.mkdir()
    config = llama_config(**SIZES, tied=False) | {"dtype": "bfloat16"}
    (directory / "config.json").write_text(json.dumps(config))
    write_noise(directory / "model.safetensors", llama_shapes(**SIZES, tied=False).items())
    yield directory
    shutil.rmtree(directory)


def test_a_merge_through_the_queue_is_as_fast_as_a_direct_one(place, source, tmp_path):
    """Start-up apart: the task's own clock. The first round is not counted: new blocks of a virtual disk are slow."""
    place.worker()
    rounds = [one_round(place, source, tmp_path, is_job_first=bool(number % 2)) for number in range(ROUNDS + 1)][1:]
    jobs, direct = zip(*rounds, strict=True)
    ratio = statistics.median(jobs) / statistics.median(direct)
    print(
        f"\nmerge: {statistics.median(jobs):.2f} s as a job, {statistics.median(direct):.2f} s directly, "
        f"ratio {ratio:.3f} (single rounds {min(a / b for a, b in rounds):.2f} to {max(a / b for a, b in rounds):.2f})"
    )
    assert ratio <= MOST_SLOWER


def one_round(place, source, room, *, is_job_first):
    """Seconds of a merge as a job and of a direct one."""
    if is_job_first:
        job = merged(source, room / "out", lambda spec: place.result(place.submit(spec), seconds=300))
        return job, merged(source, room / "out", lambda spec: run_task("merge", spec.request))
    direct = merged(source, room / "out", lambda spec: run_task("merge", spec.request))
    return merged(source, room / "out", lambda spec: place.result(place.submit(spec), seconds=300)), direct


def merged(source, out, run):
    warm(source)
    seconds = run(merge_spec(source, out, reflink=False))["seconds"]
    shutil.rmtree(out)
    return seconds


def test_the_second_preview_of_a_real_model_starts_at_once(place, tmp_path):
    try:
        model = demo_model(tmp_path / "model").directory
    except MachineError as error:
        pytest.skip(str(error))
    place.worker()
    first, *others = [first_sign(place, preview_spec(model, place.home, start)) for start in range(5, 10)]
    print(f"\nfirst sign of a preview: {first:.2f} s, with the model loaded {statistics.median(others):.2f} s")
    assert statistics.median(others) < WARM_SECONDS


def preview_spec(model, home, start):
    return JobSpec("preview", {"plan": plan_text(model, (0, 20), (start, 30)), "home": str(home), **SETTING}, "", {})


def first_sign(place, spec):
    """Seconds from the claim of a job to its first progress; returns when it is done."""
    job_id = place.submit(spec)
    while isinstance(state := place.job(job_id).state, Waiting | Running):
        if isinstance(state, Running) and state.progress:
            seconds = (now() - state.started_at).total_seconds()
            place.result(job_id, seconds=600)
            return seconds
        time.sleep(0.005)
    raise AssertionError(state)


def test_a_minute_of_an_idle_worker(tmp_path):
    place = Workplace(tmp_path / "home", idle_minutes=1.2 * IDLE_SECONDS / 60)
    place.submit(JobSpec("profile", {}, "for a GPU that is not there", {}, slot="cuda:0"))
    (worker,) = start_workers(place.store)
    time.sleep(1)
    before = cpu_seconds(worker.pid)
    time.sleep(IDLE_SECONDS)
    share = (cpu_seconds(worker.pid) - before) / IDLE_SECONDS
    resident = Path(f"/proc/{worker.pid}/statm").read_text().split()[1]
    print(f"\nidle worker: {share:.2%} of a core, {int(resident) * 4096 / 1e6:.0f} MB")
    assert share < MOST_CPU
    assert not any(loads(worker.pid, library) for library in ("libtorch", "numpy"))
