"""Whatever a task raises, its job alone fails: the traceback is in its log, and the worker goes on."""

import errno
import os
from contextlib import contextmanager

import pytest

from engine.errors import CheckpointError, DlecError, contained
from engine.jobs import attempt as room
from engine.jobs.attempt import attempt
from engine.jobs.monitor import Monitor
from engine.jobs.slots import Slot
from engine.protocol import from_data
from engine.store.job_states import Done, Failed, Running, now
from engine.store.jobs import Job, JobSpec
from engine.tasks.specs import TASKS

EXCEPTIONS = {
    "RuntimeError": RuntimeError("CUDA error: an illegal memory access"),
    "OSError": OSError(errno.EIO, os.strerror(errno.EIO), "/models/a/model.safetensors"),
    "MemoryError": MemoryError(),
    "KeyError": KeyError("rope_theta"),
    "RecursionError": RecursionError("maximum recursion depth exceeded"),
}

STUBS = """
import importlib, sys, types
if "engine.tasks" in sys.orig_argv:
    def run(request, report):
        if "raises" in request:
            raise eval(request["raises"])
        return {"fine": True}

    real = importlib.import_module
    def import_module(name, *more):
        return types.SimpleNamespace(run=run) if name.startswith("engine.tasks.") else real(name, *more)
    importlib.import_module = import_module
"""
"""A sitecustomize.py: every task raises what it is asked to, and loads nothing."""


class Raising:
    """Processes of which every one raises."""

    def __init__(self, error):
        self.error = error

    @contextmanager
    def process_for(self, _task, _log):
        yield self

    def answer(self, *_asked):
        raise self.error


def attempted(error, task, log):
    """What becomes of a job whose task's process raises."""
    job = Job(7, "uuid", now(), 1, JobSpec(task, {}, "a title", {}), Running(1, now()))
    return attempt(job, Raising(error), Monitor(None, None, None, job), Slot(), log)


@pytest.mark.parametrize("error", EXCEPTIONS.values(), ids=EXCEPTIONS.keys())
def test_an_exception_of_any_kind_fails_the_job_with_one_line_and_its_traceback_in_the_log(tmp_path, error):
    for task in TASKS:
        log = tmp_path / f"{task}.log"
        state = attempted(error, task, log)
        assert isinstance(state, Failed)
        found = from_data(state.error)
        assert found.what == f"{task} failed"
        assert "\n" not in found.line
        assert "Traceback (most recent call last)" in log.read_text()
        assert type(error).__name__ in log.read_text()


def test_an_error_of_ours_leaves_no_traceback(tmp_path):
    state = attempted(CheckpointError("model.safetensors is cut off"), "profile", tmp_path / "log")
    assert state.error["what"] == "model.safetensors is cut off"
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_an_exception_while_the_output_is_removed_fails_the_job(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "discard_output", lambda _job: {}["gone"])
    interruption = room.Interruption(room.Stop.DISCARD)
    assert isinstance(attempted(interruption, "merge", tmp_path / "log"), Failed)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (EXCEPTIONS["OSError"], "it failed: /models/a/model.safetensors: Input/output error"),
        (EXCEPTIONS["MemoryError"], "it failed: memory ran out"),
        (KeyError("rope"), "it failed: KeyError: 'rope'"),
        (ValueError("two\nlines\x1b[2J"), r"it failed: ValueError: two\nlines\x1b[2J"),
    ],
)
def test_a_foreign_exception_is_one_line_with_its_kind_and_file(error, line):
    assert contained("it failed", error).line == line


def test_a_full_disk_is_known_as_one_whoever_found_it():
    found = contained("it failed", OSError(errno.ENOSPC, "No space left on device", "/out"))
    assert type(found).__name__ == "DiskFullError"


def test_the_line_of_code_is_named():
    try:
        {}["gone"]
    except KeyError as error:
        assert f"({os.path.basename(__file__)}, line " in contained("it failed", error).line  # noqa: PTH119


def test_every_task_may_raise_and_one_worker_does_them_all(place, tmp_path):
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "sitecustomize.py").write_text(STUBS)
    raised = ["RuntimeError('a')", "OSError(5, 'EIO', '/a')", "MemoryError()", "KeyError('a')", "RecursionError('a')"]
    specs = []
    for number, task in enumerate(TASKS):
        request = {"raises": raised[number % len(raised)]}
        specs += [JobSpec(task, request, f"{task} that raises", {}), JobSpec(task, {}, f"{task} after it", {})]
    ids = place.submit(*specs)
    worker = place.worker(environment={"PYTHONPATH": str(tmp_path / "stubs")})
    place.ended(ids[-1], seconds=120)
    for number, job_id in enumerate(ids):
        state = place.job(job_id).state
        if number % 2:
            assert isinstance(state, Done), state
        else:
            assert isinstance(state, Failed)
            assert isinstance(from_data(state.error), DlecError)
            assert "Traceback" in place.log(job_id)
    assert worker.poll() is None
    assert [job.attempts for job in place.jobs()] == [1] * len(ids)
