"""Kills workers that are merging, at random moments, until everything is done all the same."""

import random
import signal
import time

from engine.jobs.recovery import setbacks_of
from tests.jobs.workplace import merge_spec, wait_until
from tests.merge.stacks import leftovers, settled_bytes
from tests.tiny import write_llama

SMALL_STEPS = """
import sys
if "engine.tasks" in sys.orig_argv:
    import engine.merge.planned_operations, engine.merge.writer
    engine.merge.planned_operations.MAX_COPY = 2**16      # hundreds of operations and watermarks in a small checkpoint
    engine.merge.writer.SYNC_BYTES = 2**18
"""
"""A sitecustomize.py for the processes of the tasks."""

ZEROED = "parameters:\n  scale:\n  - filter: o_proj\n    value: 0.0\n  - value: 1.0\n"


class JobKilling:
    """Merges of one checkpoint as jobs of `place`, whose workers are killed; `room` is a directory to work in."""

    def __init__(self, place, room, seed):
        self.place = place
        self.room = room
        self.random = random.Random(seed)
        self.base = write_llama(room / "base", hidden=128, intermediate=512, shards=2, seed=seed)
        (room / "steps").mkdir()
        (room / "steps" / "sitecustomize.py").write_text(SMALL_STEPS)
        self.longest, self.expected = self._undisturbed()
        self.place.observe()

    def _undisturbed(self):
        """Seconds from the claim to the end of a job, and what it writes."""
        job_id = self.place.submit(self._spec("undisturbed"))
        worker = self._worker()
        self.place.result(job_id)
        self._kill(worker)
        state = self.place.job(job_id).state
        return (state.ended_at - state.started_at).total_seconds(), settled_bytes(self.room / "undisturbed")

    def _spec(self, name):
        return merge_spec(self.base, self.room / name, extra=ZEROED, max_shard_size=2**20)

    def _worker(self):
        return self.place.worker(environment={"PYTHONPATH": str(self.room / "steps")})

    def kill(self, count):
        """Kill `count` workers while a job runs, one job after another; each dies a few times."""
        killed, attempts, ids = 0, 0, []
        while killed < count:
            attempts += 1
            assert attempts < 10 * count, "jobs are done before their workers can be killed"
            if not self.place.waiting() and not self.place.running():
                ids.append(self.place.submit(self._spec(f"out{len(ids)}")))
            killed += self._once()
        worker = self._worker()
        for job_id in ids:
            self.place.result(job_id)
        self._kill(worker)
        self._look(ids)

    def _once(self):
        """Kill a worker some time after it has begun a job. False when the job was done before."""
        dead = self._workers_of_jobs()
        worker = self._worker()
        wait_until(lambda: self._workers_of_jobs() - dead or not (self.place.waiting() or self.place.running()))
        time.sleep(self.random.uniform(0, self.longest))
        self._spare_what_came_no_further()
        was_running = bool(self.place.running())
        self._kill(worker)
        return was_running

    def _spare_what_came_no_further(self):
        """A job is given up after three workers that brought it no further: the third one is let come further."""
        wait_until(lambda: all(setbacks_of(job).in_a_row < 3 for job in self.place.running()))

    def _workers_of_jobs(self):
        """Workers that run a job according to the store; a dead one does until the next worker recovers its job."""
        return {job.state.worker for job in self.place.running()}

    def _kill(self, worker):
        worker.send_signal(signal.SIGKILL)
        worker.communicate()

    def _look(self, ids):
        """Every job was done, once, and what it wrote is what an undisturbed merge writes."""
        assert self.place.times_in("done") == dict.fromkeys(ids, 1)
        assert self.place.times_in("failed") == {}
        for number in range(len(ids)):
            out = self.room / f"out{number}"
            assert settled_bytes(out) == self.expected
        assert leftovers(self.room / "out0") == []
