"""Two systems on one store: neither takes the other's jobs, unless somebody says so."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.store.job_states import Running, Waiting
from tests.jobs.slow import slow_steps
from tests.jobs.workplace import WORKER, merge_spec, wait_until
from tests.merge.stacks import settled_bytes
from tests.tiny import write_llama

RELEASE = """
import sys
from pathlib import Path
from engine.jobs.queue import release
print(type(release(Path(sys.argv[1]), int(sys.argv[2]), force=True).state).__name__)
"""


def other_system(kind, directory):
    """The beginning of a command that runs the rest under another host name, or as after another start."""
    if kind == "host":
        change = "hostname elsewhere"
    else:
        (directory / "boot").write_text("00000000-0000-4000-8000-000000000000\n")
        change = f"mount --bind {shlex.quote(str(directory / 'boot'))} /proc/sys/kernel/random/boot_id"
    command = ["unshare", "-Urm", "--uts", "sh", "-c", f'{change} && exec "$@"', "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("namespaces cannot be made here")
    return command


def output_of(prefix, code, *arguments):
    command = [*prefix, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, cwd=Path(__file__).parents[2]
    ).stdout.strip()


@pytest.mark.parametrize("kind", ["host", "boot"])
def test_a_foreign_job_is_taken_on_request_alone(place, tmp_path, kind):
    there = other_system(kind, tmp_path)
    base = write_llama(tmp_path / "base", hidden=64, intermediate=256, shards=2)
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    worker = place.worker(environment=slow_steps(tmp_path / "steps"))
    wait_until(lambda: place.is_running(job_id) and place.job(job_id).state.progress)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    arguments = (place.store, "cpu", "until empty")
    assert output_of(there, WORKER, *arguments) == "nothing left"
    assert isinstance(place.job(job_id).state, Running)
    assert output_of(there, RELEASE, place.store, job_id) == Waiting.__name__
    assert output_of(there, WORKER, *arguments) == "nothing left"
    place.result(job_id)
    assert place.job(job_id).attempts == 2
    assert settled_bytes(tmp_path / "out")


def test_a_worker_there_leaves_alone_what_runs_here(place, tmp_path):
    there = other_system("host", tmp_path)
    base = write_llama(tmp_path / "base", hidden=64, intermediate=256, shards=2)
    job_id = place.submit(merge_spec(base, tmp_path / "out"))
    place.worker(environment=slow_steps(tmp_path / "steps"))
    wait_until(lambda: place.is_running(job_id))
    assert output_of(there, WORKER, place.store, "cpu", "until empty") == "nothing left"
    place.result(job_id)
    assert place.job(job_id).attempts == 1
