"""The long version of tests/jobs/test_kills.py."""

import pytest

from tests.jobs.killing import JobKilling
from tests.jobs.workplace import Workplace


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_of_merging_workers(tmp_path, seed):
    place = Workplace(tmp_path / "home")
    try:
        JobKilling(place, tmp_path, seed=1 + seed).kill(20)
    finally:
        place.end()
