"""`dlec jobs start`, `cancel`, `retry`, `hold`, `release`, `reorder` and `clear`."""

import json

import pytest

from engine.jobs.liveness import held
from engine.store.job_states import Cancelled, Done, Held, Waiting, now
from tests.jobs.states import failed, put, run_by, spec
from tests.jobs.workplace import Workplace


@pytest.fixture
def place(tmp_path):
    """The home that `dlec` uses."""
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


def states(place):
    return {job.id: job.state_name for job in place.jobs()}


def test_several_jobs_are_cancelled_together_and_a_failure_does_not_stop_the_others(dlec, place):
    first, done, last = place.submit(spec("one"), spec("two"), spec("three"))
    put(place, done, Done(now(), now(), {}))
    result = dlec("jobs", "cancel", first, done, 99, last, first)
    assert result.exit_code == 2
    assert result.stdout == f"job {first} cancelled: one\njob {last} cancelled: three\n"
    assert [line for line in result.stderr.splitlines() if line.startswith("Error")] == [
        f"Error: job {done} cannot be cancelled: it is done",
        "Error: there is no job 99",
    ]
    assert states(place) == {first: "cancelled", done: "done", last: "cancelled"}


@pytest.mark.parametrize(("options", "stop"), [([], "discard"), (["--keep"], "keep")])
def test_a_running_job_is_asked_to_end(dlec, place, tmp_path, options, stop):
    job_id = place.submit(spec("one"))
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path)
        result = dlec("jobs", "cancel", job_id, *options)
        assert result.stdout == f"job {job_id} cancelling: one\n    being cancelled\n"
        assert place.job(job_id).state.stop == stop


def merge(out):
    return spec(task="merge", request={"plan": "", "out": str(out)})


@pytest.mark.parametrize(("options", "is_kept"), [([], False), (["--keep"], True)])
def test_what_a_merge_had_written_that_waits_again_goes_unless_it_is_kept(dlec, place, tmp_path, options, is_kept):
    shard = tmp_path / ".out.dlec-partial" / "model" / "model.safetensors"
    shard.parent.mkdir(parents=True)
    shard.touch()
    job_id = place.submit(merge(tmp_path / "out"))
    run_by(place, job_id, tmp_path / "lock", "another-machine")
    assert dlec("jobs", "release", job_id).exit_code == 0
    assert dlec("jobs", "cancel", job_id, *options).exit_code == 0
    assert shard.exists() is is_kept


def test_a_job_is_held_and_released(dlec, place):
    job_id = place.submit(spec("one"))
    assert dlec("jobs", "hold", job_id).stdout == f"job {job_id} held: one\n    on request\n"
    result = dlec("jobs", "release", job_id)
    assert result.stdout == f"job {job_id} waiting: one\n    no worker for cpu is running: dlec jobs start\n"
    assert result.stderr == "1 job waiting, but no worker running: dlec jobs start\n"


def test_a_job_of_a_machine_that_is_gone_waits_again_when_it_is_released(dlec, place, tmp_path):
    job_id = place.submit(spec())
    run_by(place, job_id, tmp_path / "lock", "another-machine")
    assert dlec("jobs", "release", job_id).exit_code == 0
    assert place.job(job_id).state == Waiting()


def test_every_failed_job_is_retried_with_what_is_held_behind_it(dlec, place):
    bad, behind, cancelled = place.submit(spec(), spec(), spec())
    put(place, bad, failed())
    put(place, behind, Held("the disk was too full", blocked_by=bad))
    put(place, cancelled, Cancelled(now()))
    rows = json.loads(dlec("jobs", "retry", "--json").stdout)
    assert [(row["id"], row["state"]) for row in rows] == [(bad, "waiting"), (behind, "waiting")]
    assert json.loads(dlec("jobs", "retry", cancelled, cancelled, "--json").stdout)[0]["id"] == cancelled
    result = dlec("jobs", "retry")
    assert (result.exit_code, result.stderr) == (2, "Error: there is no job to retry: no job has failed\n")


def test_a_job_is_moved(dlec, place):
    first, second, third = place.submit(spec(), spec(), spec())
    for options, expected in [
        (["--first"], [third, first, second]),
        (["--last"], [first, second, third]),
        (["--before", second], [first, third, second]),
    ]:
        assert dlec("jobs", "reorder", third, *options).exit_code == 0
        assert [job.id for job in place.waiting()] == expected


@pytest.mark.parametrize("options", [[], ["--first", "--last"], ["--first", "--before", "2"]])
def test_a_job_is_moved_to_one_place(dlec, place, options):
    job_id = place.submit(spec())
    result = dlec("jobs", "reorder", job_id, *options)
    assert result.exit_code == 2
    assert "--first" in result.stderr.splitlines()[-1]


def test_jobs_that_have_ended_are_forgotten(dlec, place):
    done, bad, waiting = place.submit(spec(), spec(), spec())
    put(place, done, Done(now(), now(), {}))
    put(place, bad, failed())
    assert dlec("jobs", "clear").stdout == "Cleared 1 job.\n"
    assert json.loads(dlec("jobs", "clear", bad, bad, "--json").stdout) == [bad]
    assert states(place) == {waiting: "waiting"}


def test_workers_are_started_once_in_the_background(dlec, place):
    first = dlec("jobs", "start")
    (worker,) = place.live()
    log = place.home / "logs" / "worker-cpu.log"
    assert (first.exit_code, first.stdout) == (0, f"Started a worker for cpu: process {worker.pid}, log {log}\n")
    assert dlec("jobs", "start").stdout == f"A worker for cpu is already running: process {worker.pid}\n"
    found = json.loads(dlec("jobs", "start", "--json").stdout)
    assert found == {"started": [], "alive": [{"slot": "cpu", "pid": worker.pid}]}


def test_a_worker_that_cannot_start_says_why(dlec, place):
    (place.home / "locks").touch()
    result = dlec("jobs", "start")
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"the worker for cpu did not start: {place.home / 'locks'} cannot be created" in result.stderr


@pytest.mark.parametrize("verb", ["list", "start", "wait"])
def test_settings_that_are_not_understood_are_an_error_with_their_place(dlec, place, verb):
    place.submit(spec())
    (place.home / "config.toml").write_text("[jobs]\nslots = 3\n")
    result = dlec("jobs", verb)
    assert result.exit_code == 2
    assert f"Error: the settings in {place.home / 'config.toml'} are invalid" in result.stderr


def test_a_job_done_in_the_background_is_there_when_one_comes_back(dlec, place, tiny_llama):
    request = {"directory": str(tiny_llama), "load_check": False}
    job_id = place.submit(spec(task="verify", request=request, inputs={}))
    assert dlec("jobs", "start").exit_code == 0
    assert dlec("jobs", "wait", job_id).exit_code == 0
