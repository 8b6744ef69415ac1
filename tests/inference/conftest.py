"""Fixtures of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.errors import MachineError
from engine.tasks.demo_model import demo_model


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """The models are tiny, and threads that wait for each other cost seconds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's checkpoint, 30 layers in bf16. No test may write to it."""
    try:
        return demo_model(tmp_path_factory.mktemp("model")).directory
    except MachineError as error:
        pytest.skip(str(error))
