"""`dlec worker`."""

import json
import os
import re
import signal
import subprocess

import pytest

from engine.store.job_states import Waiting
from tests.cli.test_exit_codes import DLEC, python_path
from tests.jobs.slow import slow_steps
from tests.jobs.states import spec
from tests.jobs.workplace import Workplace, merge_spec, wait_until
from tests.tiny import write_llama

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path):
    """The home that `dlec` uses."""
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


@pytest.fixture(autouse=True)
def usual_priority(monkeypatch):
    """What runs in our own process must not slow down the tests that come after it."""
    monkeypatch.setattr("engine.jobs.worker.lower_priority", lambda: None)


def verify(title, directory):
    request = {"directory": str(directory), "load_check": False}
    return spec(title, task="verify", request=request, inputs={})


def steadied(text):
    """Without what is different each time."""
    return re.sub(r"after [\d.]+ s", "after 0 s", re.sub(r"^\d\d:\d\d:\d\d", "00:00:00", text, flags=re.MULTILINE))


def test_each_job_is_a_line_at_its_beginning_and_end(dlec, place, tiny_llama, tmp_path):
    place.submit(verify("verify it", tiny_llama), verify("verify nothing", tmp_path / "nothing"))
    result = dlec("worker", "--until-empty")
    assert result.exit_code == 4
    lines = steadied(result.stdout).splitlines()
    assert lines[:4] == [
        "00:00:00  job 1 started: verify it",
        "00:00:00  job 1 done after 0 s: verify it",
        "00:00:00  job 2 started: verify nothing",
        "00:00:00  job 2 failed after 0 s: verify nothing",
    ]
    assert str(tmp_path / "nothing") in lines[4]
    assert place.live() == ()


def test_as_json_it_is_a_line_each_too(dlec, place, tiny_llama):
    place.submit(verify("verify it", tiny_llama))
    result = dlec("worker", "--until-empty", "--json")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["id"], row["state"], row["error"]) for row in rows] == [(1, "running", None), (1, "done", None)]


@pytest.mark.parametrize("options", [["--until-empty"], ["--idle", "0"]])
def test_without_work_it_ends(dlec, place, options):
    place.submit(spec(slot="cuda:0"))
    result = dlec("worker", *options, "--slot", "cpu", "--home", place.home)
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_slot_that_is_none_is_refused(dlec):
    result = dlec("worker", "--slot", "gpu")
    assert result.exit_code == 2
    assert "gpu is not a valid slot" in result.stderr


def test_a_second_worker_of_a_slot_is_refused_with_the_reason(dlec, place):
    dlec("jobs", "start")
    (worker,) = place.live()
    result = dlec("worker")
    assert result.exit_code == 2
    assert "a worker for cpu is running already" in result.stderr
    assert str(worker.pid) in result.stderr


@pytest.fixture
def working(place, tmp_path):
    """A worker in the foreground, in the middle of a slow merge."""
    model = write_llama(tmp_path / "model", hidden=64, intermediate=128)
    place.submit(merge_spec(model, tmp_path / "out"))
    environment = os.environ | slow_steps(tmp_path / "steps") | {"DLEC_HOME": str(place.home)}
    environment["PYTHONPATH"] += os.pathsep + python_path()["PYTHONPATH"]
    process = subprocess.Popen([*DLEC, "worker"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        wait_until(lambda: place.is_running(1) and place.job(1).state.progress)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_stopped_worker_returns_its_job_and_reports_unfinished_work(place, working, number):
    working.send_signal(number)
    said, errors = working.communicate(timeout=30)
    assert (working.returncode, errors) == (75, b"")
    assert b"job 1 returned to the queue: merge a plan into out" in said
    assert (place.job(1).state, place.live()) == (Waiting(), ())


def test_a_job_does_not_fall_with_whoever_read_its_lines(place, working):
    working.stdout.close()
    place.result(1)
    assert working.poll() is None
