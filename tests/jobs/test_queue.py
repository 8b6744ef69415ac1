"""What users do to jobs."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.jobs.liveness import held
from engine.jobs.logs import job_log
from engine.jobs.queue import Before, First, Last, cancel, clear, hold, release, reorder, retry, submit
from engine.locks import QUIET_SECONDS
from engine.merge.partial import partial_of
from engine.store.database import open_for_jobs
from engine.store.job_states import Cancelled, Done, Failed, Held, Running, Stop, Waiting, now
from engine.store.jobs import JobSpec, Setbacks, save_setbacks
from tests.jobs.states import failed, put, run_by, seen, spec


def waiting_titles(place):
    return "".join(job.spec.title for job in place.waiting())


def test_jobs_wait_in_the_order_in_which_they_were_submitted(place):
    asked = spec("second", slot="cuda:0", priority=3, batch="b")
    first, second = submit(place.store, [spec("first"), asked])
    assert [job.id for job in place.waiting()] == [second, first]
    assert (place.job(second).spec, place.job(second).state) == (asked, Waiting())


def test_all_are_submitted_or_none(place):
    with pytest.raises(TypeError):
        submit(place.store, [spec("good"), JobSpec("profile", {"model": object()}, "bad", {})])
    assert place.jobs() == ()


@pytest.mark.parametrize("stop", list(Stop))
def test_a_job_that_nobody_runs_is_cancelled_at_once(place, stop):
    waiting, held_one = submit(place.store, [spec(), spec()])
    hold(place.store, held_one)
    for job_id in (waiting, held_one):
        assert isinstance(cancel(place.store, job_id, stop).state, Cancelled)


@pytest.mark.parametrize("stop", list(Stop))
def test_the_worker_of_a_running_job_is_asked_to_end_it(place, stop, tmp_path):
    job_id = place.submit(spec())
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path)
        state = cancel(place.store, job_id, stop).state
    assert isinstance(state, Running)
    assert state.stop is stop


def test_a_held_job_is_not_taken_until_it_is_released(place):
    job_id = place.submit(spec())
    assert hold(place.store, job_id).state == Held("on request")
    assert place.waiting() == ()
    assert release(place.store, job_id).state == Waiting()


def test_a_job_of_a_worker_that_lives_here_is_not_released(place, tmp_path):
    job_id = place.submit(spec())
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path)
        with pytest.raises(UsageError, match="process 4711 is running it") as caught:
            release(place.store, job_id)
    assert f"dlec jobs cancel {job_id}" in caught.value.fix
    assert place.is_running(job_id)


@pytest.mark.parametrize("host", ["another-machine", None])
def test_a_job_of_a_machine_or_worker_that_is_gone_is_released(place, tmp_path, host):
    job_id = place.submit(spec())
    (tmp_path / "lock").touch()
    worker = run_by(place, job_id, tmp_path / "lock", host)
    seen(place, worker, now() - timedelta(seconds=QUIET_SECONDS + 1))
    assert release(place.store, job_id).state == Waiting()


@pytest.mark.parametrize("ahead", [-12, 3600])
def test_a_job_of_another_machine_that_was_heard_of_just_now_is_released_by_force_alone(place, tmp_path, ahead):
    """Also where the clock of that machine is ahead of ours."""
    job_id = place.submit(spec())
    worker = run_by(place, job_id, tmp_path / "lock", "another-machine")
    seen(place, worker, now() + timedelta(seconds=ahead))
    with pytest.raises(UsageError, match=r"process 4711 on another-machine had its last heartbeat \d+ s ago"):
        release(place.store, job_id)
    assert place.is_running(job_id)
    assert release(place.store, job_id, force=True).state == Waiting()


def test_a_job_that_is_retried_may_lose_as_many_workers_as_a_new_one(place):
    job_id = place.submit(spec())
    with closing(open_for_jobs(place.store)) as connection:
        save_setbacks(connection, job_id, Setbacks(3, 100))
    put(place, job_id, failed())
    retry(place.store, [job_id])
    assert place.job(job_id).setbacks == Setbacks()


def test_failed_jobs_are_retried_with_what_is_held_behind_them(place):
    bad, behind, other, fine = submit(place.store, [spec(), spec(), spec(), spec()])
    put(place, bad, failed())
    put(place, behind, Held("the disk was too full", blocked_by=bad))
    put(place, other, Held("the disk was too full", blocked_by=99))
    assert retry(place.store, []) == [bad, behind]
    assert [job.id for job in place.waiting()] == [bad, behind, fine]
    assert place.job(other).state == Held("the disk was too full", blocked_by=99)


def test_a_cancelled_job_is_retried_when_it_is_named(place):
    job_id = place.submit(spec())
    cancel(place.store, job_id, Stop.DISCARD)
    with pytest.raises(UsageError, match="no job has failed"):
        retry(place.store, [])
    assert retry(place.store, [job_id]) == [job_id]


def test_all_are_retried_or_none(place):
    bad, fine = submit(place.store, [spec(), spec()])
    put(place, bad, failed())
    with pytest.raises(UsageError, match=f"job {fine} cannot be retried: it is waiting"):
        retry(place.store, [bad, fine])
    assert isinstance(place.job(bad).state, Failed)


@pytest.mark.parametrize(
    ("moved", "where", "order_then"),
    [
        ("D", First(), "DABC"),
        ("A", First(), "ABCD"),
        ("A", Last(), "BCDA"),
        ("D", Before("B"), "ADBC"),
        ("A", Before("D"), "BCAD"),
        ("C", Before("A"), "CABD"),
        ("B", Before("C"), "ABCD"),
    ],
)
def test_a_job_moves_to_the_place_that_is_named(place, moved, where, order_then):
    ids = dict(zip("ABCD", submit(place.store, list(map(spec, "ABCD"))), strict=True))
    where = Before(ids[where.job_id]) if isinstance(where, Before) else where
    reorder(place.store, ids[moved], where)
    assert waiting_titles(place) == order_then


def test_a_job_takes_the_priority_of_its_new_place(place):
    high, low, moved = submit(place.store, [spec("H", priority=5), spec("L"), spec("M", priority=-1)])
    assert reorder(place.store, moved, Before(low)).spec.priority == 0
    assert waiting_titles(place) == "HML"
    assert reorder(place.store, moved, First()).spec.priority == 5
    assert waiting_titles(place) == "MHL"
    assert reorder(place.store, high, Last()).spec.priority == 0
    assert waiting_titles(place) == "MLH"


def test_the_only_job_stays_where_it_is(place):
    job_id = place.submit(spec())
    assert reorder(place.store, job_id, First()).id == job_id


def test_nothing_is_placed_before_a_job_that_does_not_wait(place):
    gone, job_id = submit(place.store, [spec(), spec()])
    put(place, gone, failed())
    for other in (gone, 99):
        with pytest.raises(UsageError, match=f"before job {other}"):
            reorder(place.store, job_id, Before(other))


MOVES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["first", "last", "before"]), st.integers(0, 5)), max_size=30
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6), MOVES)
def test_after_any_moves_the_queue_is_what_the_moves_say(place, priorities, moves):
    clear(place.store, [cancel(place.store, job.id, Stop.KEEP).id for job in place.waiting()])
    submit(place.store, [spec(priority=priority) for priority in priorities])
    expected = [job.id for job in place.waiting()]
    ids = sorted(expected)
    for moved, where, target in moves:
        if moved == target:
            continue
        expected.remove(ids[moved])
        at = {"first": 0, "last": 5, "before": expected.index(ids[target])}[where]
        expected.insert(at, ids[moved])
        reorder(place.store, ids[moved], {"first": First(), "last": Last(), "before": Before(ids[target])}[where])
        assert [job.id for job in place.waiting()] == expected


def test_what_is_done_or_cancelled_is_forgotten_with_its_log_and_failures_stay(place):
    done, cancelled, bad, waiting = submit(place.store, [spec() for _ in range(4)])
    put(place, done, Done(now(), now(), {}))
    put(place, cancelled, Cancelled(now()))
    put(place, bad, failed())
    for job_id in (done, bad):
        job_log(place.store, job_id).parent.mkdir(exist_ok=True)
        job_log(place.store, job_id).write_text("said")
    assert sorted(clear(place.store)) == [done, cancelled]
    assert {job.id for job in place.jobs()} == {bad, waiting}
    assert [job_log(place.store, job_id).exists() for job_id in (done, bad)] == [False, True]
    assert clear(place.store, [bad]) == [bad]


def test_a_job_that_has_not_ended_is_not_forgotten(place):
    bad, waiting = submit(place.store, [spec(), spec()])
    put(place, bad, failed())
    with pytest.raises(UsageError, match=f"job {waiting} cannot be cleared: it is waiting"):
        clear(place.store, [bad, waiting])
    assert len(place.jobs()) == 2


ACTIONS = {
    "cancelled": lambda store, job_id: cancel(store, job_id, Stop.DISCARD),
    "held": hold,
    "released": release,
    "moved": lambda store, job_id: reorder(store, job_id, First()),
    "retried": lambda store, job_id: retry(store, [job_id]),
    "cleared": lambda store, job_id: clear(store, [job_id]),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_nothing_is_done_to_a_job_that_does_not_exist(place, action):
    with pytest.raises(UsageError, match="there is no job 7"):
        action(place.store, 7)


@pytest.mark.parametrize("name", ["cancelled", "held", "released", "moved", "retried"])
def test_nothing_but_forgetting_is_done_to_a_job_that_is_done(place, name):
    job_id = place.submit(spec())
    put(place, job_id, Done(now(), now(), {}))
    with pytest.raises(UsageError, match=f"job {job_id} cannot be {name}: it is done"):
        ACTIONS[name](place.store, job_id)


def test_an_id_is_never_given_twice(place):
    first = place.submit(spec())
    cancel(place.store, first, Stop.DISCARD)
    clear(place.store)
    assert place.submit(spec()) > first


def test_what_fails_leaves_no_lock_on_the_store(place):
    with pytest.raises(UsageError):
        hold(place.store, 7)
    with closing(sqlite3.connect(place.store, timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")


def merge_job(place, out):
    return place.submit(spec(task="merge", request={"plan": "", "out": str(out)}))


@pytest.mark.parametrize("began", [True, False])
def test_what_is_removed_with_a_cancelled_merge_is_what_it_has_written(place, tmp_path, began):
    partial = partial_of(tmp_path / "out")
    partial.model.mkdir(parents=True)
    job_id = merge_job(place, tmp_path / "out")
    partial.owner.write_text(place.job(job_id).uuid if began else "")
    run_by(place, job_id, tmp_path / "lock", "another-machine")
    release(place.store, job_id, force=True)
    cancel(place.store, job_id, Stop.DISCARD)
    assert partial.model.exists() is not began


def test_a_merge_that_no_worker_began_removes_nothing(place, tmp_path):
    partial = partial_of(tmp_path / "out")
    partial.model.mkdir(parents=True)
    cancel(place.store, merge_job(place, tmp_path / "out"), Stop.DISCARD)
    assert partial.model.exists()
