"""Jobs on a file system without locks: workers, merges and the queue do all that they do elsewhere."""

import errno
import signal

import pytest

from engine.hosts import this_host
from engine.jobs.liveness import Liveness, liveness_of
from engine.store.job_states import Done
from engine.store.jobs import JobSpec
from tests.jobs.slow import slow_steps
from tests.jobs.workplace import merge_spec, wait_until
from tests.lockless import lockless_environment, refuse_locks
from tests.merge.stacks import leftovers
from tests.tiny import write_llama


@pytest.fixture
def base(tmp_path):
    return write_llama(tmp_path / "base", hidden=64, intermediate=256, shards=2)


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK])
def test_a_merge_is_done_and_leaves_nothing_beside_it(place, base, tmp_path, monkeypatch, code):
    refuse_locks(monkeypatch, code)
    verify = JobSpec("verify", {"directory": str(tmp_path / "out"), "load_check": False}, "verify", {})
    ids = place.submit(merge_spec(base, tmp_path / "out"), verify)
    talk, said = place.worker(until_empty=True, environment=lockless_environment(tmp_path, code)).communicate(
        timeout=90
    )
    assert (talk, said) == ("nothing left\n", "")
    assert all(isinstance(place.job(job_id).state, Done) for job_id in ids)
    assert leftovers(tmp_path / "out") == []
    assert not any((place.home / "locks").iterdir())


def test_a_killed_worker_is_dead_and_another_one_continues(place, base, tmp_path, monkeypatch):
    refuse_locks(monkeypatch)
    environment = lockless_environment(tmp_path)
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    worker = place.worker(environment=environment | slow_steps(tmp_path / "steps"))
    wait_until(lambda: place.is_running(job_id) and place.job(job_id).state.progress)
    (row,) = place.live()
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert liveness_of(row, this_host()) is Liveness.DEAD
    place.worker(environment=environment)
    assert place.result(job_id)["out"] == str(tmp_path / "out")
    assert leftovers(tmp_path / "out") == []
