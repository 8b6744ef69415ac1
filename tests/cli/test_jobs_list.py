"""`dlec jobs list`."""

import json
import re
from datetime import timedelta

import pytest

from engine.errors import shown
from engine.jobs.liveness import held
from engine.jobs.queue import hold
from engine.store.job_states import Cancelled, Done, Held, Progress, now
from engine.store.workers import all_workers
from tests.cli.test_exit_codes import EVIL, on_a_terminal
from tests.jobs.states import failed, put, run_by, seen, spec
from tests.jobs.workplace import Workplace


@pytest.fixture
def place(tmp_path):
    """The home that `dlec` uses."""
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


def ago(**time):
    return now() - timedelta(**time)


def listed(dlec, *options):
    """Id and the rest of the line of each job, in the order shown."""
    lines = dlec("jobs", "list", *options).stdout.splitlines()[1:]
    return [(int(line.split()[0]), line) for line in lines]


def test_jobs_are_listed_by_what_happens_to_them(dlec, place, tmp_path):
    old, done, bad, held_one, waiting, first, running = place.submit(*(spec(f"title {n}") for n in range(7)))
    put(place, old, Cancelled(ago(days=2)))
    put(place, done, Done(ago(hours=3), ago(hours=2), {}))
    put(place, bad, failed())
    hold(place.store, held_one)
    with held(tmp_path / "lock") as lock:
        run_by(place, running, lock.path)
        assert [job_id for job_id, _ in listed(dlec)] == [running, waiting, first, held_one, bad, done]
        assert [job_id for job_id, _ in listed(dlec, "--all")][-1] == old


def test_each_line_says_why_the_job_is_where_it_is(dlec, place):
    first, second, elsewhere, held_one, bad, done = place.submit(*(spec() for _ in range(6)))
    put(place, held_one, Held("the disk was too full for job 1 of its batch", blocked_by=1))
    put(place, bad, failed())
    put(place, done, Done(ago(minutes=2), ago(minutes=1), {}))
    put(place, elsewhere, failed())
    with held(place.home / "lock") as lock:
        run_by(place, place.submit(spec()), lock.path)
        lines = dict(listed(dlec))
    assert lines[first].endswith("next")
    assert lines[second].endswith("1 job ahead")
    assert lines[held_one].endswith("the disk was too full for job 1 of its batch")
    assert lines[bad].endswith("out cannot be written: the disk is full")
    assert lines[done].endswith("took 60 s")
    assert re.search(r"done +cpu +0 +1 min", lines[done])


@pytest.mark.parametrize(
    ("task", "progress", "words"),
    [
        (
            "merge",
            Progress(1_200_000_000, 2_800_000_000, "copying"),
            r"copying: 43 %, 1.20 GB of 2.80 GB, \d+ MB/s, \d+ s left",
        ),
        ("profile", Progress(15, 60, "sequences"), r"sequences: 25 %, 15 of 60, 1.5/s, 30 s left"),
        ("profile", Progress(0, 60, "opening"), r"opening: 0 %, 0 of 60$"),
        ("profile", Progress(3, 0, "reading"), r"reading: 3, \d+/min$"),
        ("profile", None, r"a job$"),
    ],
)
def test_a_running_job_says_how_far_it_is_and_how_long_it_takes(dlec, place, tmp_path, task, progress, words):
    job_id = place.submit(spec(task=task))
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path, started_at=ago(seconds=10), progress=progress)
        ((_, line),) = listed(dlec)
    assert re.search(words, line)


def test_waiting_jobs_without_a_worker_are_reported_with_a_fix(dlec, place):
    place.submit(spec(), spec(slot="cuda:7"))
    result = dlec("jobs", "list")
    assert result.stderr == "1 job waiting, but no worker running: dlec jobs start\n"
    assert "no slot cuda:7 on this host, only cpu" in result.stdout


def test_a_job_whose_worker_died_says_so_and_foretells_nothing(dlec, place, tmp_path):
    (tmp_path / "lock").touch()
    job_id = place.submit(spec())
    run_by(place, job_id, tmp_path / "lock", started_at=ago(seconds=10), progress=Progress(1, 2, "halves"))
    result = dlec("jobs", "list")
    assert "halves: 50 %, 1 of 2; its worker (process 4711) has died: dlec jobs start" in result.stdout
    assert "1 job waiting" in result.stderr


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "on another-machine, last heartbeat 0 s ago"),
        (3, "last heartbeat 3 min ago; if that host is down: dlec jobs release 1"),
    ],
)
def test_a_job_of_another_machine_says_when_that_was_heard_of(dlec, place, tmp_path, minutes, words):
    job_id = place.submit(spec())
    seen(place, run_by(place, job_id, tmp_path / "lock", "another-machine"), ago(minutes=minutes))
    ((_, line),) = listed(dlec)
    assert line.endswith(words)


def test_everything_that_is_listed_is_of_one_moment(dlec, place, tmp_path, monkeypatch):
    job_id = place.submit(spec())

    def begun_meanwhile(connection):
        run_by(place, job_id, tmp_path / "lock")
        return all_workers(connection)

    monkeypatch.setattr("dlec_tui.jobs.job_view.all_workers", begun_meanwhile)
    (row,) = json.loads(dlec("jobs", "list", "--json").stdout)
    assert (row["state"], row["reason"]) == ("waiting", "no worker for cpu is running: dlec jobs start")
    assert place.is_running(job_id)


def test_on_a_terminal_no_line_is_wider_than_it(place, tmp_path):
    place.submit(spec("merge /home/anna/plans/a-rather-long-name-of-a-plan.yaml into /data/models/the-result"))
    place.submit(spec("merge b.yaml into b"), spec("short"))
    put(place, 2, failed(why="there is so much to say about it that this does not fit into one line of it at all"))
    written = on_a_terminal(["jobs", "list"], tmp_path, {"DLEC_HOME": str(place.home), "COLUMNS": "80"})
    lines = re.sub(r"\x1b\[[\d;]*m", "", written.decode()).splitlines()
    assert max(map(len, lines)) <= 80
    assert re.search(r"merge /home/anna.*….*the-result$", lines[1])
    assert "no worker for cpu is running: dlec jobs start" in lines[2]
    assert lines[3].endswith("short  as above")


def test_no_jobs_is_no_error(dlec):
    result = dlec("jobs", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No jobs are waiting" in result.stderr
    assert json.loads(dlec("jobs", "list", "--json").stdout) == []


def test_as_json_every_job_has_the_same_keys(dlec, place, tmp_path):
    first, second, third, fourth = place.submit(*(spec(f"title {n}", priority=n) for n in range(4)))
    put(place, first, failed())
    put(place, second, Done(ago(minutes=2), ago(minutes=1), {"figure": 1}))
    with held(tmp_path / "lock") as lock:
        run_by(place, third, lock.path, started_at=ago(seconds=10), progress=Progress(5, 10, "halves"))
        rows = {row["id"]: row for row in json.loads(dlec("jobs", "list", "--json").stdout)}
    assert len({frozenset(row) for row in rows.values()}) == 1
    assert rows[first]["error"]["fix"] == "Make room."
    assert rows[third]["worker"]["liveness"] == "alive"
    progress = rows[third]["progress"]
    assert (progress["done"], progress["total"], progress["what"]) == (5, 10, "halves")
    assert progress["seconds_left"] == pytest.approx(10, abs=3)
    assert (rows[fourth]["state"], rows[fourth]["reason"], rows[fourth]["priority"]) == ("waiting", "next", 3)


def test_another_home_has_other_jobs(dlec, place, tmp_path):
    place.submit(spec())
    assert json.loads(dlec("jobs", "list", "--json", "--home", tmp_path / "other").stdout) == []


@pytest.mark.parametrize("verb", [["list"], ["show", "1"], ["logs", "1"], ["wait", "1"], ["retry"]])
def test_nothing_of_a_job_can_steer_the_terminal(dlec, place, verb):
    job_id = place.submit(spec(EVIL, request={"model": EVIL}, batch=EVIL))
    put(place, job_id, failed(what=EVIL, why=EVIL, fix=EVIL))
    text = dlec("jobs", *verb).output
    assert all(line.isprintable() for line in text.split("\n"))
    assert (shown(EVIL) in text) is (verb != ["logs", "1"])
