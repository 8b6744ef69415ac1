"""A worker that is killed at any moment loses no job, and none is done twice."""

import signal

from engine.merge.partial import partial_of
from engine.store.job_states import Done
from engine.store.jobs import JobSpec
from engine.tasks.specs import TASKS
from tests.jobs.killing import JobKilling
from tests.jobs.workplace import merge_spec, wait_until
from tests.tiny import write_llama

SILENT_AFTER_PUBLISHING = """
import sys, time
if "engine.tasks" in sys.orig_argv:
    import engine.tasks.merge_writing
    publish = engine.tasks.merge_writing.publish

    def publish_and_say_nothing(*arguments, **options):
        publish(*arguments, **options)
        time.sleep(3600)

    engine.tasks.merge_writing.publish = publish_and_say_nothing
"""


def test_kills_of_a_merging_worker(place, tmp_path):
    """Kills at random moments; two hundred of them: tests/stress/test_job_kills.py."""
    JobKilling(place, tmp_path, seed=0).kill(3)


def test_a_kill_after_the_last_step_does_not_make_the_output_somebody_elses(place, tmp_path):
    """Everything is written and has its name, but the worker died before it could say so."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "sitecustomize.py").write_text(SILENT_AFTER_PUBLISHING)
    base = write_llama(tmp_path / "base")
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    worker = place.worker(environment={"PYTHONPATH": str(tmp_path / "steps")})
    wait_until(lambda: (tmp_path / "out").exists() and not partial_of(tmp_path / "out").record.exists())
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    inode = (tmp_path / "out").stat().st_ino
    assert place.is_running(job_id)
    place.worker()
    assert place.result(job_id)["out"] == str(tmp_path / "out")
    assert (tmp_path / "out").stat().st_ino == inode


WORKS_THE_SECOND_TIME = """
import importlib, pathlib, sys, time, types
if "engine.tasks" in sys.orig_argv:
    def run(request, report):
        begun = pathlib.Path(request["mark"])
        if not begun.exists():
            begun.touch()
            report(1, 2, "half of it")
            time.sleep(3600)
        return {"attempt": 2}

    real = importlib.import_module
    def import_module(name, *more):
        return types.SimpleNamespace(run=run) if name.startswith("engine.tasks.") else real(name, *more)
    importlib.import_module = import_module
"""
"""A sitecustomize.py: every task hangs the first time, and loads nothing."""


def test_a_job_of_every_kind_is_done_by_the_next_worker_when_its_own_was_killed(place, tmp_path):
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "sitecustomize.py").write_text(WORKS_THE_SECOND_TIME)
    names = [name for name, task in TASKS.items() if task.is_queued]
    marks = {name: tmp_path / name for name in names}
    ids = [place.submit(JobSpec(name, {"mark": str(marks[name])}, name, {})) for name in names]
    for name in names:
        worker = place.worker(environment={"PYTHONPATH": str(tmp_path / "steps")})
        wait_until(marks[name].exists)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    place.worker(environment={"PYTHONPATH": str(tmp_path / "steps")})
    assert [place.result(job_id) for job_id in ids] == [{"attempt": 2}] * len(ids)
    assert [job.attempts for job in place.jobs(Done)] == [2] * len(ids)
