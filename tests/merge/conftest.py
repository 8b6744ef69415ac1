"""Checkpoints that the tests of merging share."""

import pytest

from tests.tiny import write_llama


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """Six llama layers in two shards; no test may write to it."""
    return write_llama(tmp_path_factory.mktemp("merge") / "base", shards=2)


@pytest.fixture
def own_base(tmp_path):
    """The same, to be spoiled."""
    return write_llama(tmp_path / "base", shards=2)
