"""A store of its own for each test, and what is common to jobs in it."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.jobs.workplace import Workplace
from tests.tiny import write_llama


@pytest.fixture
def place_with(tmp_path):
    """Makes a home with the settings given; whatever the test starts there ends with it."""
    with ExitStack() as stack:

        def made(**settings):
            place = Workplace(tmp_path / "home", **settings)
            stack.callback(place.end)
            return place

        yield made


@pytest.fixture
def place(place_with):
    """A home with one CPU slot."""
    return place_with()


@pytest.fixture
def store(place) -> Path:
    return place.store


@pytest.fixture(scope="session")
def large_llama(tmp_path_factory) -> Path:
    """Six layers in 60 MB, so that merging takes a moment. No test may write to it."""
    directory = tmp_path_factory.mktemp("checkpoints") / "large-llama"
    return write_llama(directory, hidden=512, intermediate=2048, vocab=1024)
