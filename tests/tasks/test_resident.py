"""What stays open from task to task, and what must not."""

import json
import os
import shutil
import struct
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference import load_model
from engine.protocol import no_report
from engine.tasks import preview, profile, resident
from engine.tasks.measurement_options import options_from
from tests.tasks.conftest import part, plan_of


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The directory and dtype of every model that is opened."""
    heard: list[tuple[str, str]] = []
    own = load_model.open_model

    def listening(directory: Path, dtype: str, device: str) -> Any:
        heard.append((directory.name, dtype))
        return own(directory, dtype, device)

    monkeypatch.setattr(load_model, "open_model", listening)
    return heard


@pytest.fixture
def other(tiny_llama: Path, tmp_path: Path) -> Path:
    """A checkpoint of the same shape, which the test may change."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "other"))


def repeating(model: Path, *layers: int) -> str:
    return plan_of(part(model, 0, 4), *(part(model, layer, layer + 1) for layer in layers), part(model, 4, 6))


def test_plans_over_one_base_share_it(options, tiny_llama: Path, openings: list) -> None:
    for layers in [(1,), (2, 3), (0,)]:
        assert not preview.run({**options, "plan": repeating(tiny_llama, *layers)}, no_report)["stored"]
    profile.run({**options, "model": str(tiny_llama)}, no_report)
    assert openings == [(tiny_llama.name, "float32")]


def test_a_plan_of_two_models_opens_each_once(options, tiny_llama: Path, other: Path, openings: list) -> None:
    both = plan_of(part(tiny_llama, 0, 4), part(other, 2, 6))
    preview.run({**options, "plan": both}, no_report)
    preview.run({**options, "plan": both + "\n"}, no_report)
    preview.run({**options, "plan": repeating(tiny_llama, 1)}, no_report)
    preview.run({**options, "plan": both + "\n\n"}, no_report)
    assert sorted(name for name, _ in openings) == sorted([tiny_llama.name, "other"])


def test_a_model_that_is_no_longer_wanted_is_let_go_of_before_another_is_opened(
    options, tiny_llama: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview.run({**options, "plan": repeating(tiny_llama, 1)}, no_report)
    (model,) = resident._OPEN.models.values()
    base, alive = weakref.ref(model), []
    del model
    own = load_model.open_model
    monkeypatch.setattr(load_model, "open_model", lambda *how: (alive.append(base() is not None), own(*how))[1])
    profile.run({**options, "model": str(other)}, no_report)
    assert alive == [False]


def _other_weights(directory: Path) -> None:
    file = directory / "model.safetensors"
    save_file({name: tensor * 1.5 for name, tensor in load_file(file).items()}, file, {"format": "pt"})


def _other_config(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.1}))


@pytest.mark.parametrize("change", [_other_weights, _other_config])
def test_a_checkpoint_that_changed_on_disk_is_opened_anew(
    options, other: Path, openings: list, change: Callable[[Path], None]
) -> None:
    asked = {**options, "model": str(other)}
    before = profile.run(asked, no_report)
    change(other)
    after = profile.run(asked, no_report)
    assert not after["stored"]
    assert after["layers"] != before["layers"]
    assert len(openings) == 2
    assert len(resident._OPEN.models) == 1


def test_a_change_that_size_and_time_do_not_show_is_seen(options, other: Path) -> None:
    """Same size, and for `ls` the same time: what a copy that keeps times leaves."""
    checkpoint = open_checkpoint(other)
    before = resident.model_of(checkpoint, options_from(options))
    file = other / "model.safetensors"
    stat = file.stat()
    with file.open("r+b") as weights:
        weights.seek(-4, os.SEEK_END)
        weights.write(struct.pack("<f", 3.0))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert resident.model_of(checkpoint, options_from(options)) is not before


def test_a_text_that_changed_is_read_anew(options, tiny_llama: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jsonl"
    asked = {**options, "model": str(tiny_llama), "text": [str(text)]}
    found = []
    for words in ("one two three four five. ", "six seven eight nine ten. "):
        text.write_text("\n".join(json.dumps({"text": f"{number} {words * 8}"}) for number in range(16)))
        found.append(profile.run(asked, no_report))
    assert [each["stored"] for each in found] == [False, False]
    assert found[0]["layers"] != found[1]["layers"]


def test_another_dtype_is_another_model_and_the_text_is_not_cut_again(
    options, tiny_llama: Path, openings: list
) -> None:
    for dtype in ("float32", "bfloat16"):
        profile.run({**options, "model": str(tiny_llama), "dtype": dtype}, no_report)
    assert [dtype for _, dtype in openings] == ["float32", "bfloat16"]
    assert resident._sample.cache_info().misses == 1
