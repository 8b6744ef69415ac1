"""A fresh store."""

import pytest

from engine.store.database import open_for_writing


@pytest.fixture
def path(tmp_path):
    """Where a store would be; nothing is there yet."""
    return tmp_path / "home" / "dlec.sqlite"


@pytest.fixture
def db(path):
    """An empty store, opened for writing."""
    db = open_for_writing(path)
    yield db
    db.close()
