"""Tasks, run in the test's own process, on a small text and a store of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.tasks import resident


@pytest.fixture(autouse=True)
def nothing_resident() -> None:
    """What one test left open is not another one's."""
    resident.close_all()


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """16 sequences of 8 tokens, the fewest that are accepted."""
    return {"tokens": 128, "seq_len": 8, "home": str(tmp_path / "home"), "device": "cpu"}


@pytest.fixture
def request_of(options: dict[str, Any], tiny_llama: Path) -> dict[str, Any]:
    """What a task is asked to measure the tiny model with."""
    return {**options, "model": str(tiny_llama), "reference": "tiny"}


def part(model: Path, start: int, end: int, **extra: Any) -> dict[str, Any]:
    """A slice of a plan; `extra` says more of it."""
    return {"sources": [{"model": str(model), "layer_range": [start, end], **extra}]}


def plan_of(*parts: dict[str, Any]) -> str:
    """A plan's text."""
    return json.dumps({"merge_method": "passthrough", "slices": parts})
