"""`dlec jobs logs`."""

import json
import os
import subprocess
import threading

import pytest

from engine.jobs.liveness import held
from engine.jobs.logs import job_log
from engine.store.job_states import Done, now
from tests.cli.test_exit_codes import DLEC, python_path
from tests.jobs.states import put, run_by, spec
from tests.jobs.workplace import Workplace


@pytest.fixture
def place(tmp_path):
    """The home that `dlec` uses."""
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


def logged(place, text: bytes, state=None):
    """A job that has ended, and its log."""
    job_id = place.submit(spec())
    put(place, job_id, state or Done(now(), now(), {}))
    log = job_log(place.store, job_id)
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(text)
    return job_id


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"one\ntwo\n", "one\ntwo\n"),
        (b"0%\r50%\r100%\nend\n", "100%\nend\n"),
        (b"0%\r50%\r", "50%\n"),
        (b"dos\r\n\r\n", "dos\n\n"),
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07\n", "red \\x1b]0;title\\x07\n"),
        (b"a\tb\n", "a       b\n"),
        (b"\xff\xfe\n", "��\n"),
        (b"", ""),
    ],
)
@pytest.mark.parametrize("options", [[], ["-f"]])
def test_a_log_is_shown_as_a_terminal_would_have_left_it_and_cannot_steer_one(dlec, place, written, text, options):
    assert dlec("jobs", "logs", *options, logged(place, written)).stdout == text


def test_a_log_as_json_has_its_lines(dlec, place):
    job_id = logged(place, b"one\ntwo\n")
    found = json.loads(dlec("jobs", "logs", job_id, "--json").stdout)
    assert found == {"id": job_id, "log": str(job_log(place.store, job_id)), "lines": ["one", "two"]}


def test_a_job_without_a_log_says_why(dlec, place):
    result = dlec("jobs", "logs", place.submit(spec()))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "has no log: it is waiting, no worker for cpu" in result.stderr


def test_a_log_is_followed_until_its_job_has_ended(place, tmp_path):
    job_id = place.submit(spec())
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path)
        log = job_log(place.store, job_id)
        log.parent.mkdir(exist_ok=True)
        environment = os.environ | python_path() | {"DLEC_HOME": str(place.home), "PYTHONUNBUFFERED": "1"}
        command = [*DLEC, "jobs", "logs", "-f", str(job_id)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        with log.open("wb", buffering=0) as file:
            for line in ("first", "second"):
                file.write(f"{line}\n".encode())
                assert process.stdout.readline() == f"{line}\n"
            file.write(b"10%\r90%\rthe e")
            file.write(b"nd")
        put(place, job_id, Done(now(), now(), {}))
        assert process.communicate(timeout=60)[0] == "the end\n"
        watchdog.cancel()
    assert process.returncode == 0
