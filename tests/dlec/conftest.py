"""Measurements on a small text, in a store of their own."""

from pathlib import Path
from typing import Any

import pytest

from engine.tasks import resident


@pytest.fixture(autouse=True)
def nothing_resident() -> None:
    resident.close_all()


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """16 sequences of 8 tokens, the fewest that are accepted."""
    return {"tokens": 128, "seq_len": 8, "home": tmp_path / "home", "device": "cpu"}


@pytest.fixture
def plan(tiny_llama: Path):
    """A function from slices of the tiny model to the text of a plan."""

    def text(*slices: tuple[int, int]) -> str:
        sources = "".join(
            f"- sources:\n  - {{model: {tiny_llama}, layer_range: [{start}, {end}]}}\n" for start, end in slices
        )
        return f"merge_method: passthrough\nslices:\n{sources}"

    return text
