"""What a worker does with jobs: the same as if they were run directly, and what users ask of it meanwhile."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import CheckpointError
from engine.jobs.attempt import require_unchanged
from engine.jobs.queue import cancel, retry
from engine.merge.partial import partial_of
from engine.plan.patches import patch_fingerprint
from engine.store.database import open_for_jobs
from engine.store.job_states import Cancelled, Done, Failed, Held, Running, Stop, Waiting
from engine.store.jobs import JobSpec, change
from engine.tasks.process import TASK_MODULE, EngineProcess, run_task
from tests.jobs.slow import slow_steps
from tests.jobs.workplace import merge_spec, plan_text, wait_until
from tests.merge.stacks import leftovers, settled_bytes
from tests.tiny import write_llama, write_safetensors

NOTICED_SECONDS = 10.0
"""Long enough for a busy machine: that a merge did not just run to its end is told by the state it ends in."""


@pytest.fixture
def base(tmp_path):
    return write_llama(tmp_path / "base", hidden=64, intermediate=256, shards=2)


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """Merges take seconds, in this test's tasks and in those of its workers."""
    environment = slow_steps(tmp_path / "steps")
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])


def preview_spec(model, home, *ranges):
    request = {"plan": plan_text(model, *ranges), "tokens": 128, "seq_len": 8, "home": str(home), "device": "auto"}
    return JobSpec("preview", request, "preview a plan", {})


def verify_spec(model):
    return JobSpec("verify", {"directory": str(model), "load_check": False}, "verify", {})


def own_lines(log):
    return [line for line in log.splitlines() if line.startswith("=== ")]


def watermark(partial):
    """How many operations of a merge are done, by its journal."""
    return int(partial.journal.read_text().split()[-1]) if partial.journal.exists() else 0


def seconds_of(job):
    return (job.state.ended_at - job.state.started_at).total_seconds()


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def has_died(pid):
    """Whether nothing of a process is left but what its parent is to be told."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def without_times(result):
    return {key: value for key, value in result.items() if key not in ("seconds", "out")}


@pytest.mark.usefixtures("slow")
def test_a_merge_through_the_queue_is_the_merge(place, base, tmp_path):
    """Result, bytes, printed lines and the unit of progress are the same; the moments of reports depend on time."""
    through, direct = merge_spec(base, tmp_path / "through"), merge_spec(base, tmp_path / "direct")
    said = []
    with (tmp_path / "talk").open("wb") as talk, EngineProcess([TASK_MODULE, "merge"], talk) as process:
        asked = {"task": "merge", "request": direct.request}
        answer = process.answer(asked, lambda *progress: said.append(progress))
    job_id = place.submit(through)
    place.worker()
    seen = set()
    while isinstance(state := place.job(job_id).state, Waiting | Running):
        if isinstance(state, Running) and state.progress:
            seen.add((state.progress.done, state.progress.total, state.progress.what))
    assert without_times(place.result(job_id)) == without_times(answer)
    assert settled_bytes(tmp_path / "through") == settled_bytes(tmp_path / "direct")
    assert seen
    assert {progress[1:] for progress in seen} <= {progress[1:] for progress in said}
    assert all(done <= total for done, total, _ in seen)
    begun, *printed, ended = place.log(job_id).splitlines()
    assert sorted(printed) == sorted((tmp_path / "talk").read_text().splitlines())
    assert {"from C", "from Python"} <= set(printed)
    assert "merge: merge a plan into through, attempt 1" in begun
    assert "done after" in ended


def test_a_verify_through_the_queue_is_the_verify(place, base):
    spec = verify_spec(base)
    job_id = place.submit(spec)
    place.worker()
    assert place.result(job_id) == run_task("verify", spec.request)
    assert len(place.log(job_id).splitlines()) == 2


@pytest.mark.usefixtures("slow")
def test_progress_is_written_at_most_four_times_a_second(place, base, tmp_path):
    open_for_jobs(place.store).close()
    with closing(sqlite3.connect(place.store)) as connection:
        connection.executescript("""
            CREATE TABLE notes (done INTEGER, total INTEGER);
            CREATE TRIGGER note AFTER UPDATE OF stage ON jobs WHEN NEW.stage IS NOT NULL AND NEW.state = 'running'
            BEGIN INSERT INTO notes VALUES (NEW.done, NEW.total); END;""")
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    place.worker()
    place.result(job_id)
    seconds = seconds_of(place.job(job_id))
    with closing(sqlite3.connect(place.store)) as connection:
        notes = connection.execute("SELECT done, total FROM notes").fetchall()
    assert 2 < len(notes) <= 4 * seconds + 1
    assert notes == sorted(notes)


def test_a_worker_runs_one_job_after_another_until_none_is_left(place, base, tmp_path):
    ids = place.submit(verify_spec(base), merge_spec(base, tmp_path / "out"), verify_spec(tmp_path / "out"))
    talk, _ = place.worker(until_empty=True).communicate(timeout=60)
    assert talk == "nothing left\n"
    assert all(isinstance(place.job(job_id).state, Done) for job_id in ids)
    assert place.live() == ()


def test_the_error_of_a_task_is_the_jobs(place, tmp_path):
    job_id = place.submit(verify_spec(tmp_path / "nothing"))
    place.worker()
    state = place.ended(job_id)
    assert isinstance(state, Failed)
    assert state.error["kind"] == "CheckpointError"
    assert state.error["what"] in own_lines(place.log(job_id))[-1]


def test_a_checkpoint_that_changed_since_fails_the_job(place, base):
    before = fingerprint(open_checkpoint(base))
    job_id = place.submit(JobSpec("verify", {"directory": str(base)}, "verify", {str(base): before}))
    write_llama(base, hidden=64, intermediate=256, shards=2, seed=1)
    place.worker()
    state = place.ended(job_id)
    assert isinstance(state, Failed)
    assert "has changed since the job was submitted" in state.error["what"]
    assert before in state.error["why"]
    assert fingerprint(open_checkpoint(base)) in state.error["why"]


def test_a_patch_that_changed_or_went_since_fails_the_job(tmp_path):
    patch = tmp_path / "patch.safetensors"
    write_safetensors(patch, {"model.norm.weight": (8,)})
    inputs = {str(patch): patch_fingerprint(patch)}
    require_unchanged(inputs)
    write_safetensors(patch, {"model.norm.weight": (8,)}, seed=1)
    with pytest.raises(CheckpointError, match="has changed since the job was submitted"):
        require_unchanged(inputs)
    patch.unlink()
    with pytest.raises(CheckpointError):
        require_unchanged(inputs)


@pytest.mark.usefixtures("slow")
def test_a_cancelled_merge_ends_at_once_and_leaves_nothing(place, base, tmp_path):
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    place.worker()
    wait_until((partial_of(tmp_path / "out").journal).exists)
    cancel(place.store, job_id, Stop.DISCARD)
    asked_at = time.monotonic()
    assert isinstance(place.ended(job_id), Cancelled)
    assert time.monotonic() - asked_at < NOTICED_SECONDS
    assert leftovers(tmp_path / "out") == []
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("slow")
def test_a_merge_cancelled_to_be_kept_continues_when_it_is_retried(place, base, tmp_path):
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    place.worker()
    partial = partial_of(tmp_path / "out")
    wait_until(lambda: watermark(partial) > 0)
    cancel(place.store, job_id, Stop.KEEP)
    assert isinstance(place.ended(job_id), Cancelled)
    assert watermark(partial) > 0
    retry(place.store, [job_id])
    wait_until(lambda: place.is_running(job_id) and place.job(job_id).state.progress)
    assert place.job(job_id).state.progress.done > 0
    place.result(job_id)
    assert leftovers(tmp_path / "out") == []


@pytest.mark.usefixtures("slow")
def test_a_task_that_is_killed_fails_its_job_alone(place, base, tmp_path):
    ids = place.submit(merge_spec(base, tmp_path / "out"), verify_spec(base))
    worker = place.worker()
    wait_until(partial_of(tmp_path / "out").journal.exists)
    (task,) = children_of(worker.pid)
    os.kill(task, signal.SIGKILL)
    state = place.ended(ids[0])
    assert isinstance(state, Failed)
    assert "was killed" in state.error["what"]
    assert isinstance(place.ended(ids[1]), Done)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_puts_the_job_back_as_if_it_had_not_been_begun(place, base, tmp_path, number):
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    worker = place.worker()
    wait_until(partial_of(tmp_path / "out").journal.exists)
    worker.send_signal(number)
    talk, _ = worker.communicate(timeout=10)
    assert talk == "asked\n"
    assert place.job(job_id).state == Waiting()
    assert place.live() == ()
    assert "back in the queue" in own_lines(place.log(job_id))[-1]
    assert partial_of(tmp_path / "out").journal.exists()


@pytest.mark.usefixtures("slow")
def test_a_job_taken_from_a_living_worker_is_let_go(place, base, tmp_path):
    """As another host's `dlec jobs release` does."""
    ids = place.submit(merge_spec(base, tmp_path / "out"), verify_spec(base))
    place.observe()
    worker = place.worker()
    wait_until(partial_of(tmp_path / "out").journal.exists)
    (task,) = children_of(worker.pid)
    job = place.job(ids[0])
    with closing(open_for_jobs(place.store)) as connection:
        assert change(connection, job, Held("released there, held here"))
    taken_at = time.monotonic()
    wait_until(lambda: task not in children_of(worker.pid))
    assert time.monotonic() - taken_at < NOTICED_SECONDS
    assert isinstance(place.ended(ids[1]), Done)
    assert isinstance(place.job(ids[0]).state, Held)
    assert place.times_in("done") == {ids[1]: 1}
    assert "released" in place.log(ids[0])


def test_models_stay_loaded_between_jobs_and_a_crash_costs_them_alone(place, tiny_llama):
    first = place.submit(preview_spec(tiny_llama, place.home, (0, 4), (2, 6)))
    worker = place.worker()
    place.result(first)
    (task,) = children_of(worker.pid)
    second = place.submit(preview_spec(tiny_llama, place.home, (0, 4), (3, 6)))
    place.result(second)
    assert children_of(worker.pid) == [task]
    assert seconds_of(place.job(second)) < seconds_of(place.job(first)) / 2
    os.kill(task, signal.SIGKILL)
    wait_until(lambda: has_died(task))
    third = place.submit(preview_spec(tiny_llama, place.home, (0, 4), (1, 6)))
    place.result(third)
    (other,) = children_of(worker.pid)
    assert other != task
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=10)
    assert not Path(f"/proc/{other}").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounting = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", directory], capture_output=True)
    if mounting.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounting.stderr.decode().strip()}")
    yield directory
    subprocess.run(["umount", directory], check=True)


def test_a_disk_that_fills_up_in_a_batch_holds_the_rest(place, base, small_disk):
    """Each merge needs 2.1 MB of the 3 MB, until something is removed."""
    place.submit(*(merge_spec(base, small_disk / name, batch="tonight") for name in ("one", "two", "three")))
    place.worker()
    one, two, three = 1, 2, 3
    assert isinstance(place.ended(one), Done)
    failed = place.ended(two)
    assert failed.error["kind"] == "DiskFullError"
    assert "MB are free" in failed.error["why"]
    held = place.ended(three)
    assert (held.blocked_by, "too full for job 2" in held.reason) == (two, True)
    subprocess.run(["mount", "-o", "remount,size=30m", small_disk], check=True)
    assert retry(place.store, []) == [two, three]
    place.result(two)
    place.result(three)
    expected = settled_bytes(small_disk / "one")
    assert settled_bytes(small_disk / "two") == settled_bytes(small_disk / "three") == expected
    assert leftovers(small_disk / "one") == []
