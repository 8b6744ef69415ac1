"""The line of jobs that every pane has below it."""

import pytest

from dlec_tui.jobs.job_view import StoredJobs
from dlec_tui.jobs.progress import strip_text
from engine.store.job_states import Held, Waiting
from tests.tui.seen_jobs import EVENING, NOW, failed, running, stored


def strip(*jobs, width=78):
    return strip_text(StoredJobs(jobs, NOW), width)


def test_it_says_how_far_the_job_is_how_fast_how_long_it_will_take_and_what_waits():
    wide = "▶ 7 merge six.yaml into night/six  ███████░░░░░░░░░ 43 %, 100 MB/s, 16 s left  2 waiting  1 held  1 failed"
    assert strip_text(EVENING, 138) == wide


def test_without_room_the_bar_goes_first_and_then_the_middle_of_the_title():
    narrow = "▶ 7 merge s… night/six  43 %, 100 MB/s, 16 s left  2 waiting  1 held  1 failed"
    assert strip_text(EVENING, 78) == narrow


@pytest.mark.parametrize("width", [20, 40, 60, 78, 120])
def test_it_never_needs_more_than_one_line(width):
    assert len(strip_text(EVENING, width)) <= width


def test_of_several_that_run_the_last_one_is_shown_and_the_others_are_counted():
    text = strip(stored(1, running(), "merge a"), stored(2, running(), "merge b"))
    assert text.startswith("▶ 2 merge b")
    assert "+1 more running" in text


def test_it_says_how_to_have_a_worker_where_there_is_none():
    assert strip(stored(1, Waiting(), "merge a", needs_worker=True)) == "1 waiting  no worker running (F5, w)"


def test_when_all_is_counted_it_says_what_is_done_at_last():
    assert strip(stored(1, running(5, 5, "checking that it loads"), "merge a")) == "▶ 1 merge a  checking that it loads"


def test_when_nothing_runs_it_says_what_became_of_the_rest():
    assert strip() == "no jobs"
    assert strip(stored(1, failed(), "merge a"), stored(2, Held("on request"), "merge b")) == "1 held  1 failed"


def test_what_a_title_contains_is_no_control_character():
    assert "\x1b" not in strip(stored(1, running(), "merge \x1b[31mred"))
