"""How soon a preview begins whose model the process has open: half a second from the request to its first progress."""

import time
from pathlib import Path
from typing import Any

import pytest

from engine.tasks.process import EngineProcess
from tests.conftest import write_byte_tokenizer
from tests.tasks.conftest import part, plan_of
from tests.tiny import write_llama

SOON = 0.5


@pytest.mark.bench
def test_a_second_preview_of_a_30_layer_model_starts_within_half_a_second(tmp_path: Path) -> None:
    model = tmp_path / "model"
    write_llama(model, layers=30, hidden=32, intermediate=64, vocab=256, tied=True)
    write_byte_tokenizer(model)
    setting = {"tokens": 16 * 8, "seq_len": 8, "home": str(tmp_path / "home"), "device": "cpu"}
    with EngineProcess(["engine.tasks", "cpu"], None) as process:
        first, *later = (_seconds_to_start(process, setting, model, end) for end in (12, 11, 10, 9, 8))
    print(f"\nfirst preview {first:.2f} s, later ones {', '.join(f'{seconds:.2f}' for seconds in later)} s")
    assert min(later) < SOON
    assert min(later) < first


def _seconds_to_start(process: EngineProcess, setting: dict[str, Any], model: Path, end: int) -> float:
    """Of a preview of a new plan."""
    heard: list[float] = []
    plan, started = plan_of(part(model, 0, end), part(model, 6, 30)), time.perf_counter()
    request = {"task": "preview", "request": {**setting, "plan": plan}}
    process.answer(request, lambda *_: heard.append(time.perf_counter()))
    return heard[0] - started
