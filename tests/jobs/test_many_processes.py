"""Many processes on one queue: every job is begun once, and nobody is told that the store is locked."""

from tests.jobs.workplace import wait_until

SUBMITTERS, WORKERS, JOBS_EACH = 8, 4, 50

SUBMIT = f"""
import sys
from pathlib import Path
from engine.jobs.queue import submit
from engine.store.jobs import JobSpec
for number in range({JOBS_EACH}):
    submit(Path(sys.argv[1]), [JobSpec("profile", {{"number": number}}, f"{{sys.argv[2]}}-{{number}}", {{}})])
"""

WORK = """
import sys, time
from pathlib import Path
from engine.jobs.scheduling import claim, settle
from engine.jobs.heartbeat import registered
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.store.job_states import Done, Progress, now
from engine.store.jobs import save_progress

store, are_all_submitted = Path(sys.argv[1]), Path(sys.argv[2])
with StoreAccess(store) as access, registered(access, store, Slot()) as heartbeat, access.connection() as connection:
    is_last_look = False
    while True:
        is_last_look = are_all_submitted.exists()
        job = claim(connection, heartbeat.worker, Slot())
        if job is not None:
            save_progress(connection, job.id, heartbeat.worker, Progress(1, 1, "work"))
            assert settle(connection, job, Done(job.state.started_at, now(), {}))
        elif is_last_look:
            break
        else:
            time.sleep(0.01)
    heartbeat.leave()
"""


def test_four_hundred_jobs_are_each_done_once(place_with, tmp_path):
    place = place_with(slots=["cpu"] * WORKERS)
    place.observe()
    are_all_submitted = tmp_path / "all submitted"
    workers = [place.python(WORK, place.store, are_all_submitted) for _ in range(WORKERS)]
    submitters = [place.python(SUBMIT, place.store, number) for number in range(SUBMITTERS)]
    assert [talk_of(process) for process in submitters] == [""] * SUBMITTERS
    are_all_submitted.touch()
    assert [talk_of(process) for process in workers] == [""] * WORKERS
    once_each = dict.fromkeys(range(1, SUBMITTERS * JOBS_EACH + 1), 1)
    assert place.times_in("running") == once_each
    assert place.times_in("done") == once_each
    assert len({job.spec.title for job in place.jobs()}) == SUBMITTERS * JOBS_EACH


def talk_of(process):
    """What a process said until it ended, which it did without complaint."""
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    return stdout + stderr


def test_a_slot_has_as_many_workers_as_are_configured(place_with):
    place = place_with(slots=["cpu", "cpu"])
    first, second = place.worker(), place.worker()
    wait_until(lambda: len(place.live()) == 2)
    third = place.worker()
    _, complaint = third.communicate(timeout=30)
    assert "a worker for cpu is running already" in complaint
    assert {first.pid, second.pid} == {worker.pid for worker in place.live()}
