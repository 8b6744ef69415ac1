"""Checkpoints of any depth that weigh nothing."""

from collections.abc import Callable
from functools import cache

import pytest

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from tests.tiny import write_llama

ModelOf = Callable[..., Checkpoint]


@pytest.fixture(scope="session")
def model_of(tmp_path_factory: pytest.TempPathFactory) -> ModelOf:
    """A checkpoint with so many layers, written when it is first asked for; `seed` makes it another one."""
    root = tmp_path_factory.mktemp("depths")

    @cache
    def written(layers: int, seed: int = 0) -> Checkpoint:
        directory = root / f"{layers}-{seed}"
        return opener()(str(write_llama(directory, layers=layers, hidden=2, intermediate=2, vocab=2, seed=seed)))

    return written
