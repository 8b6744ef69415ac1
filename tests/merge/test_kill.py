"""A merge that is killed at any moment leaves nothing half-written under the final name, and continues."""

import pytest

from tests.merge.killing import Killing
from tests.tiny import write_llama


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path):
    """More of them: tests/stress/test_kills.py."""
    base = write_llama(tmp_path / "base", hidden=128, intermediate=512, shards=2)
    Killing(base, tmp_path, seed=0).kill(3)
