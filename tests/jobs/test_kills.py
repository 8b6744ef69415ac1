"""A worker that is killed at any moment loses no job, and none is done twice."""

import signal

from engine.merge.partial import partial_of
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


def test_ten_kills_of_a_merging_worker(place, tmp_path):
    JobKilling(place, tmp_path, seed=0).kill(10)


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
