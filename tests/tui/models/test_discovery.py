"""Models are found wherever they are, each once, with what is known of them."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from dlec_tui.models.discovery import entry_of, from_data, known_models, search
from dlec_tui.models.listing import Origin, as_data, name_of
from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.summary import ModelSummary
from engine.store.database import open_for_writing
from engine.store.keys import MeasurementKey
from engine.store.models import save_model
from engine.store.profiles import ProfileRows, save_profile
from engine.tasks.measurement import model_row
from tests.tiny import write_llama


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub cache, with one model."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "models--org--cached"
    write_llama(folder / "snapshots" / "abc", seed=1)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    return tmp_path / "cache"


def references(store: Path, here: Path, *added: str) -> dict[str, Origin]:
    models = search(known_models(store), added, {}, here, lambda: False)
    return {model.reference: model.origin for model in models}


def profiled(store: Path, directory: Path) -> None:
    row = model_row(open_checkpoint(directory))
    key = MeasurementKey(row.fingerprint, "", "", "selection", 4096, 256, "float32", "")
    with closing(open_for_writing(store)) as db:
        save_model(db, row)
        save_profile(db, key, ProfileRows([], [], [], []))


def test_models_of_every_origin_are_found_each_once(tmp_path: Path) -> None:
    here, elsewhere = write_llama(tmp_path / "here" / "a"), write_llama(tmp_path / "elsewhere" / "deep" / "b", seed=2)
    profiled(tmp_path / "dlec.sqlite", here)
    found = references(tmp_path / "dlec.sqlite", tmp_path / "here", str(tmp_path / "elsewhere"), "org/unseen")
    assert found == {
        "org/unseen": Origin.ADDED,
        str(here): Origin.STORE,
        str(elsewhere): Origin.ADDED,
        "org/cached": Origin.CACHE,
    }


def test_a_hub_cache_below_the_directory_is_its_repositories_each_once(tmp_path: Path) -> None:
    write_llama(tmp_path / "cache" / "models--org--cached" / "snapshots" / "older")
    copy = shutil.copytree(tmp_path / "cache", tmp_path / "a copy")
    found = references(tmp_path / "dlec.sqlite", tmp_path)
    assert found == {str(copy / "models--org--cached"): Origin.HERE, "org/cached": Origin.CACHE}
    assert {name_of(reference) for reference in found} == {"org/cached"}


def test_a_cache_of_an_unknown_user_hides_no_other_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", "~nobody-here/cache")
    model = write_llama(tmp_path / "here" / "a")
    assert references(tmp_path / "dlec.sqlite", tmp_path / "here") == {str(model): Origin.HERE}


def test_a_profiled_model_is_known_wherever_it_was_moved_and_its_finetune_is_not(tmp_path: Path) -> None:
    profiled(tmp_path / "dlec.sqlite", write_llama(tmp_path / "old"))
    shutil.move(tmp_path / "old", tmp_path / "new")
    write_llama(tmp_path / "finetune", seed=7)
    known = known_models(tmp_path / "dlec.sqlite")
    moved, finetune, gone = (
        entry_of(str(tmp_path / name), Origin.HERE, known, {}) for name in ("new", "finetune", "old")
    )
    assert moved.profiles
    assert not finetune.profiles
    assert gone.profiles
    assert not gone.is_here
    assert "is gone" in (gone.summary.problem or "")
    assert gone.summary.layers == 6


def test_a_broken_model_is_found_with_its_reason(tmp_path: Path) -> None:
    broken = write_llama(tmp_path / "broken")
    (broken / "config.json").write_text("{")
    model = entry_of(str(broken), Origin.HERE, (), {})
    assert "is not valid JSON" in (model.summary.problem or "")
    assert model.is_here
    assert not model.is_usable


def test_what_the_hub_said_is_kept_and_shown_until_the_model_is_here() -> None:
    described = from_data(as_data({"org/far": ModelSummary("org/far", layers=80), "org/cached": ModelSummary("x")}))
    far, cached = (entry_of(reference, Origin.ADDED, (), described) for reference in ("org/far", "org/cached"))
    assert (far.summary.layers, far.is_here, far.is_usable) == (80, False, False)
    assert (cached.summary.layers, cached.is_here) == (6, True)


def test_a_search_that_nobody_wants_any_more_ends_between_two_directories(tmp_path: Path) -> None:
    for number in range(5):
        write_llama(tmp_path / "here" / f"m{number}")
    wanted = [False, False, False]
    some = list(search((), (), {}, tmp_path / "here", lambda: not wanted or wanted.pop()))
    assert len(some) < 3
