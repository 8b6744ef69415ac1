"""The long version of tests/merge/test_kill.py."""

import pytest

from tests.merge.killing import Killing
from tests.tiny import write_llama


@pytest.mark.stress
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_at_random_moments(tmp_path, seed):
    base = write_llama(tmp_path / "base", hidden=128, intermediate=512, shards=2, seed=seed)
    Killing(base, tmp_path, seed=1 + seed).kill(20)
