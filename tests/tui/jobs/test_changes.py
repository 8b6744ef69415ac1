"""Where a job goes that is moved by one."""

import pytest

from dlec_tui.jobs.job_actions import place_above, place_below
from engine.jobs.queue import Before, Last
from engine.store.job_states import Held, Waiting
from tests.tui.seen_jobs import stored

QUEUE = [
    stored(1, Waiting(), "a").job,
    stored(2, Held("on request"), "b").job,
    stored(3, Waiting(), "c").job,
    stored(4, Waiting(), "d").job,
]


@pytest.mark.parametrize(("job_id", "place"), [(1, None), (2, None), (3, Before(1)), (4, Before(3)), (9, None)])
def test_up_is_before_the_one_of_its_state_that_stands_above(job_id: int, place) -> None:
    assert place_above(job_id, QUEUE) == place


@pytest.mark.parametrize(("job_id", "place"), [(1, Before(4)), (2, None), (3, Last()), (4, None), (9, None)])
def test_down_is_behind_the_one_of_its_state_that_stands_below(job_id: int, place) -> None:
    assert place_below(job_id, QUEUE) == place
