"""What is said of the sequences that something was measured on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.protocol import no_report
from engine.tasks import profile


@pytest.fixture
def model(tiny_llama: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "model"))


def sample(model: Path, options: dict[str, Any], **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = profile.run({**options, "model": str(model), **request}, no_report)["sample"]
    return found


def test_how_many_documents_a_sample_touches_is_said(model: Path, options: dict[str, Any]) -> None:
    found = sample(model, options)
    assert (found["sequences"], found["documents"], found["documents_in_split"]) == (16, 16, 33)
    assert (found["tokens"], found["prefix"], found["notes"]) == (16 * 8, "", ())


def test_a_model_for_chats_on_prose_is_offered_its_template(model: Path, options: dict[str, Any]) -> None:
    (model / "chat_template.jinja").write_text("{% for turn in messages %}{{ turn.content }}{% endfor %}")
    assert "chat" in sample(model, options)["notes"][0]
    chats = model / "chats.jsonl"
    turns = [{"messages": [{"role": "user", "content": f"{number} " * 80}]} for number in range(20)]
    chats.write_text("\n".join(map(json.dumps, turns)))
    assert sample(model, options, text=[str(chats)])["notes"] == ()


def test_sequences_beyond_an_attention_window_are_said(model: Path, options: dict[str, Any]) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "sliding_window": 4}))
    assert "attention window of 4" in sample(model, options)["notes"][0]


def test_a_tokenizer_that_changes_the_text_is_said(model: Path, options: dict[str, Any]) -> None:
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    (model / "tokenizer.json").write_text(json.dumps({**tokenizer, "normalizer": {"type": "Lowercase"}}))
    assert "16 of 16 documents come out as other text" in sample(model, options)["notes"][0]
