"""What the verify task answers."""

import json
import shutil
from pathlib import Path

import pytest

from engine.errors import CheckpointError
from engine.protocol import no_report
from engine.tasks import verify
from engine.tasks.loadcheck import LoadCheck

SHAPE = ["ok", "directory", "layers", "parameters", "bytes", "shards", "problems", "sums_checked", "loadcheck"]


def test_the_answer_is_what_the_verb_prints(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = LoadCheck(unexpected=("lm_head.weight",), architecture="LlamaForCausalLM")
    monkeypatch.setattr("engine.tasks.loadcheck.load_check", lambda _directory: found)
    answer = verify.run({"directory": str(tiny_llama), "load_check": True}, no_report)
    assert list(answer) == SHAPE
    assert (answer["ok"], answer["layers"], answer["loadcheck"]["unexpected"]) == (False, 6, ["lm_head.weight"])
    assert json.loads(json.dumps(answer)) == answer


def test_no_load_check_is_made_unasked(tiny_llama: Path) -> None:
    answer = verify.run({"directory": str(tiny_llama), "load_check": False}, no_report)
    assert (answer["ok"], answer["loadcheck"]) == (True, None)


def test_problems_are_an_answer_and_no_failure(tiny_llama: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    (model / "SHA256SUMS").write_text(f"{'0' * 64}  config.json\n")
    answer = verify.run({"directory": str(model), "load_check": False}, no_report)
    assert (answer["ok"], answer["sums_checked"]) == (False, True)
    assert "config.json" in answer["problems"][0]


def test_what_is_no_checkpoint_fails(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        verify.run({"directory": str(tmp_path), "load_check": False}, no_report)
