"""dlec.profile, dlec.preview and dlec.sweep, against the tasks that they call."""

from contextlib import closing
from pathlib import Path

import pytest

import dlec
from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.tasks import preview


def test_a_profile_has_every_layer(options, tiny_llama: Path) -> None:
    found = dlec.profile(tiny_llama, **options)
    assert [layer.layer for layer in found.layers] == list(range(6))
    assert 0 < found.sample.tokens <= options["tokens"]
    assert not found.sample.from_store
    assert dlec.profile(tiny_llama, **options).sample.from_store


def test_a_preview_says_what_the_task_says(options, plan) -> None:
    text = plan((0, 4), (2, 6))
    found = dlec.preview(text, **options)
    answer = preview.run({**options, "home": str(options["home"]), "split": "heldout", "plan": text}, no_report)
    assert (found.delta_nll, [*found.interval95]) == (answer["delta_nll"], answer["interval95"])
    assert found.sample.from_store is False
    assert answer["stored"] is True


def test_an_unchanged_model_is_no_different(options, plan) -> None:
    found = dlec.preview(plan((0, 6)), **options)
    assert (found.verdict, found.delta_nll, found.kl) == ("no difference", 0, 0)


def test_a_sweep_measures_every_block_and_evaluates_the_best_on_held_out_text(options, tiny_llama: Path) -> None:
    found = dlec.sweep(tiny_llama, top=2, **options)
    assert [plan.name for plan in found.plans] == [f"{layer}:{layer + 1}" for layer in range(6)]
    best = sorted(found.plans, key=lambda plan: plan.delta_nll)[:2]
    assert [plan.name for plan in found.shortlist] == [plan.name for plan in best]
    assert found.winner.startswith("#") or "slices" in found.winner


def test_plan_files_are_swept(options, tiny_llama: Path, plan, tmp_path: Path) -> None:
    file = tmp_path / "overlap.yaml"
    file.write_text(plan((0, 4), (2, 6)))
    assert [plan.name for plan in dlec.sweep(tiny_llama, [file], **options).plans] == ["overlap"]


def test_a_model_that_does_not_exist_is_an_error_that_says_so(options, tmp_path: Path) -> None:
    with pytest.raises(dlec.DlecError, match="missing"):
        dlec.profile(tmp_path / "missing", **options)


def test_a_model_is_stored_under_its_absolute_path(options, tiny_llama: Path, monkeypatch) -> None:
    """As the command line stores it, so that a later call from another directory means the same model."""
    monkeypatch.chdir(tiny_llama.parent)
    assert dlec.profile(tiny_llama.name, **options).sample.from_store is False
    with closing(open_for_reading(options["home"] / "dlec.sqlite")) as connection:
        assert [reference for (reference,) in connection.rows("SELECT reference FROM models")] == [str(tiny_llama)]


def test_an_unknown_split_is_an_error_that_names_the_splits(options, plan) -> None:
    with pytest.raises(dlec.DlecError, match="selection, heldout"):
        dlec.preview(plan((0, 6)), split="test", **options)
