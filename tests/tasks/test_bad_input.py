"""What stands in the way of measuring: one clear error each, and nothing is stored."""

import functools
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from engine.errors import CheckpointError, DlecError, MachineError, UsageError
from engine.protocol import no_report
from engine.store.database import open_for_writing
from engine.tasks import measurement, profile


@pytest.fixture
def model(tiny_llama: Path, tmp_path: Path) -> Path:
    """A checkpoint to damage."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "model"))


def refused(request, kind: type[DlecError], match: str) -> None:
    with pytest.raises(kind, match=match):
        profile.run(request, no_report)
    store = Path(request["home"]) / "dlec.sqlite"
    if store.exists():
        with sqlite3.connect(store) as connection:
            assert connection.execute("SELECT count(*) FROM profiles").fetchone() == (0,)


TEXTS = {
    "too short": ("a.txt", b"Two documents.\n\n" * 3, "document|too short"),
    "not UTF-8": ("a.txt", b"\xff\xfe\x00", "UTF-8"),
    "empty": ("a.txt", b"", "no text"),
    "JSONL without the keys": ("a.jsonl", b'{"text": "fine"}\n{"body": "no"}\n', r"a\.jsonl.*2"),
    "JSONL that is none": ("a.jsonl", b"not JSON\n", r"a\.jsonl.*1"),
}


@pytest.mark.parametrize(("name", "content", "match"), TEXTS.values(), ids=TEXTS)
def test_a_text_that_will_not_do_is_named(request_of, tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    refused({**request_of, "text": [str(tmp_path / name)]}, UsageError, match)


def test_a_text_that_is_not_there_is_named(request_of) -> None:
    refused({**request_of, "text": ["/nowhere/text.txt"]}, UsageError, r"text\.txt")


def test_too_few_tokens_for_an_interval_are_refused_with_figures(request_of) -> None:
    refused({**request_of, "tokens": 100}, UsageError, "100 tokens")


def test_a_checkpoint_without_a_tokenizer(request_of, model: Path) -> None:
    for file in model.glob("tokenizer*"):
        file.unlink()
    refused({**request_of, "model": str(model)}, CheckpointError, "tokenizer")


def test_a_model_without_a_language_head(request_of, model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"architectures": ["LlamaModel"]}))
    refused({**request_of, "model": str(model)}, CheckpointError, "no language head")


def test_a_weight_that_is_not_a_number_is_named_by_its_tensor(request_of, model: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(model / "model.safetensors")
    tensors["model.layers.3.mlp.up_proj.weight"][5, 7] = float("nan")
    save_file(tensors, model / "model.safetensors", {"format": "pt"})
    refused({**request_of, "model": str(model)}, CheckpointError, r"model\.layers\.3\.mlp\.up_proj\.weight")


@pytest.mark.parametrize(("device", "kind"), [("cuda:77", MachineError), ("toaster", UsageError)])
def test_a_device_that_is_not_there(request_of, device: str, kind: type[DlecError]) -> None:
    refused({**request_of, "device": device}, kind, device)


def test_a_locked_store_is_said_before_the_work(request_of, monkeypatch) -> None:
    path = Path(request_of["home"]) / "dlec.sqlite"
    open_for_writing(path).close()
    monkeypatch.setattr(measurement, "open_for_writing", functools.partial(open_for_writing, busy_seconds=0.05))
    monkeypatch.setattr(profile, "_measured", None)
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(MachineError, match="locked"):
            profile.run(request_of, no_report)
    holder.close()


def test_a_corrupt_store_is_left_as_it_is(request_of) -> None:
    path = Path(request_of["home"]) / "dlec.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(MachineError, match="damaged"):
        profile.run(request_of, no_report)
    assert path.read_bytes() == b"no database" * 1000


def test_a_store_of_a_newer_version_is_left_as_it_is(request_of) -> None:
    path = Path(request_of["home"]) / "dlec.sqlite"
    db = open_for_writing(path)
    db.execute("UPDATE _sqlite_migrations SET name = '9999_' || name")
    db.conn.commit()
    db.close()
    with pytest.raises(MachineError, match="newer version"):
        profile.run(request_of, no_report)


def test_a_home_that_cannot_be_made(request_of, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be opened"):
        profile.run({**request_of, "home": str(tmp_path / "file" / "home")}, no_report)
