"""A home in which tests queue jobs and start real workers."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from engine.jobs.launch import live_workers
from engine.jobs.logs import job_log
from engine.jobs.queue import submit
from engine.store.database import open_for_jobs, open_for_reading
from engine.store.job_states import Done, Running, Waiting
from engine.store.jobs import JobSpec, find_job, jobs_in

WORKER = """
import sys
from pathlib import Path
from engine.jobs.slots import parse_slot
from engine.jobs.worker import work
until_empty = sys.argv[3] == "until empty"
print(work(Path(sys.argv[1]), parse_slot(sys.argv[2]), idle_seconds=3600, until_empty=until_empty).value)
"""

OBSERVED = """
CREATE TABLE IF NOT EXISTS seen (job INTEGER, state TEXT);
CREATE TRIGGER IF NOT EXISTS see AFTER UPDATE OF state ON jobs BEGIN
    INSERT INTO seen VALUES (NEW.id, NEW.state);
END;
"""
"""Has the store itself note every state that a job comes into."""


class Workplace:
    """A home directory; ends the workers that were started through it."""

    def __init__(self, home, slots=("cpu",), idle_minutes=10.0):
        home.mkdir(parents=True)
        self.home = home
        self.store = home / "dlec.sqlite"
        (home / "config.toml").write_text(f"[jobs]\nslots = {json.dumps(slots)}\nidle_minutes = {idle_minutes}\n")
        self._processes = []

    def worker(self, slot="cpu", *, until_empty=False, environment=None):
        """A worker in a process of its own."""
        arguments = [str(self.store), slot, "until empty" if until_empty else "as long as it takes"]
        return self.python(WORKER, *arguments, environment=environment)

    def python(self, code, *arguments, environment=None):
        """`python -c code arguments`, its stdout and stderr kept."""
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | (environment or {}),
        )
        self._processes.append(process)
        return process

    def end(self):
        for process in self._processes:
            process.kill()
            process.communicate()
        for worker in self.live():
            if str(self.store) in self._command_of(worker.pid):
                os.kill(worker.pid, signal.SIGKILL)

    def _command_of(self, pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            return ""

    def submit(self, *specs):
        """The ids of new jobs; one id for one spec."""
        found = submit(self.store, specs)
        return found[0] if len(found) == 1 else found

    def job(self, job_id):
        with closing(open_for_reading(self.store)) as connection:
            return find_job(connection, job_id)

    def jobs(self, *states):
        with closing(open_for_reading(self.store)) as connection:
            return jobs_in(connection, *states)

    def waiting(self):
        return self.jobs(Waiting)

    def running(self):
        return self.jobs(Running)

    def log(self, job_id):
        return job_log(self.store, job_id).read_text()

    def live(self):
        """The workers of this home."""
        return live_workers(self.store)

    def is_running(self, job_id):
        return isinstance(self.job(job_id).state, Running)

    def ended(self, job_id, seconds=60):
        """The state that a job ends in."""
        wait_until(lambda: self.job(job_id).state_name in ("done", "failed", "cancelled", "held"), seconds)
        return self.job(job_id).state

    def result(self, job_id, seconds=60):
        """Of a job that is to be done."""
        state = self.ended(job_id, seconds)
        assert isinstance(state, Done), f"{state}\n{self.log(job_id)}"
        return state.result

    def observe(self):
        """From now on, every state that a job comes into is noted."""
        open_for_jobs(self.store).close()
        with closing(sqlite3.connect(self.store)) as connection:
            connection.executescript(OBSERVED)

    def times_in(self, state):
        """For each job that was in a state since `observe`: how often it came into it."""
        with closing(sqlite3.connect(self.store)) as connection:
            sql = "SELECT job, count(*) FROM seen WHERE state = ? GROUP BY job"
            return dict(connection.execute(sql, (state,)))


def wait_until(condition, seconds=30.0):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.01)


def plan_text(model, *ranges, extra=""):
    """A passthrough plan over one model."""
    slices = [f"- sources:\n  - model: {json.dumps(str(model))}\n    layer_range: [{a}, {b}]" for a, b in ranges]
    return "\n".join(["merge_method: passthrough", "slices:", *slices]) + f"\n{extra}"


def merge_spec(model, out, *, extra="", batch=None, **options):
    """A merge of 6 layers into 8."""
    text = plan_text(model, (0, 4), (2, 6), extra=extra)
    request = {"plan": text, "out": str(out), "options": {"load_check": False} | options}
    return JobSpec("merge", request, f"merge a plan into {out.name}", {}, batch=batch)
