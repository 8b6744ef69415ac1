"""A base that predicts worse than it should is said, and no plan is called better beside it."""

import math
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.inference import likelihood
from engine.protocol import no_report
from engine.store.database import open_for_reading, open_for_writing
from engine.store.keys import MeasurementKey
from engine.store.location import store_path
from engine.store.samples import BaseCheck, find_base_check, save_base_check
from engine.tasks import preview, profile, sweep
from engine.tasks.base_check import NOT_CHECKED, base_answer, findings
from engine.tasks.sweeps.execution import _nll
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.sweep_spec import read_sweep_spec

nan = math.nan
HEALTHY = BaseCheck(7.4, "<bos>", "", 3.9, 5.9, 256, 3.7, 3.4)


def plan_text(model: Path) -> str:
    slices = [f"- sources: [{{model: {model}, layer_range: {layers}}}]" for layers in ("[0, 4]", "[2, 6]")]
    return "\n".join(["slices:", *slices, "merge_method: passthrough", ""])


@pytest.mark.parametrize(
    ("check", "base_nll", "said"),
    [
        (HEALTHY, 3.8, ""),
        (replace(HEALTHY, own_nll=nan, other_nll=nan, short_nll=nan, long_nll=nan), 3.8, ""),
        (HEALTHY, 7.5, "frequencies of the text's tokens alone give 7.40"),
        (replace(HEALTHY, own_prefix="", other_prefix="<bos>", own_nll=5.9, other_nll=3.9), 5.9, "3.90 with <bos>"),
        (replace(HEALTHY, own_nll=5.0, other_nll=3.0), 5.0, "3.00 with nothing before a text"),
        (replace(HEALTHY, short_tokens=8, short_nll=7.0, long_nll=4.0), 6.0, "such as --seq-len 32"),
        (replace(HEALTHY, short_nll=3.7, long_nll=6.0), 3.7, "config.json"),
        (HEALTHY, nan, "computes NaN or infinity"),
        (None, 3.8, NOT_CHECKED),
    ],
)
def test_what_is_wrong_with_a_base_is_said_with_what_was_tried_and_what_helps(
    check: BaseCheck | None, base_nll: float, said: str
) -> None:
    found = list(findings(check, base_nll))
    assert bool(found) == bool(said)
    assert said in "".join(found)
    assert base_answer(check, base_nll)["ok"] == (not said)


def test_a_model_that_was_not_trained_is_beaten_by_frequencies(request_of: dict[str, Any], tiny_llama: Path) -> None:
    found = preview.run({**request_of, "plan": plan_text(tiny_llama)}, no_report)
    assert not found["base_check"]["ok"]
    assert "frequencies" in found["base_check"]["findings"][0]
    assert found["base_check"]["unigram_nll"] < found["base"]["nll"]


def test_a_check_costs_less_than_5_percent_of_the_smallest_preview(
    request_of: dict[str, Any], tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In tokens that are run through a model, with the default amount of text."""
    run: list[int] = []
    own = likelihood._logits
    monkeypatch.setattr(likelihood, "_logits", lambda model, batch: (run.append(batch.numel()), own(model, batch))[1])
    preview.run({**request_of, "tokens": 4096, "seq_len": 256, "plan": plan_text(tiny_llama)}, no_report)
    compared = 2 * 16 * 256
    assert compared < sum(run) < 1.05 * compared


def test_a_check_is_made_once_for_a_model_and_text(
    request_of: dict[str, Any], tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = plan_text(tiny_llama)
    first = preview.run({**request_of, "plan": text}, no_report)
    monkeypatch.setattr("engine.tasks.base_check._checked", None)
    second = preview.run({**request_of, "plan": text + "# again\n"}, no_report)
    assert second["base_check"] == first["base_check"]
    assert not second["stored"]


def test_streamed_and_resident_layers_give_the_same_check(request_of: dict[str, Any], tiny_llama: Path) -> None:
    import torch

    batches = [torch.randint(3, 200, shape) for shape in ((4, 8), (4, 9), (1, 16))]
    plans = [{"name": "one", "text": plan_text(tiny_llama)}]
    read = []
    for memory in (None, 250_000):
        asked = read_sweep_spec({**request_of, "space": "one", "plans": plans, "memory": memory})
        source = LayerSource(asked)
        read.append(_nll(source, batches))
        assert source.is_resident == (memory is None)
    assert all(map(torch.equal, *read))


def test_no_plan_of_a_sweep_is_better_beside_a_base_that_is_measured_wrongly(
    request_of: dict[str, Any], tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan looks better at every level; what is said of it depends on the base alone."""
    monkeypatch.setattr("engine.tasks.sweeps.reporting.holm", lambda ps: [1e-6 for _ in ps])
    plans = [{"name": "one", "text": plan_text(tiny_llama)}]
    asked = {**request_of, "space": "one", "plans": plans, "metrics": False}
    found = sweep.run(asked, no_report)
    if found["winner"]["heldout"]["delta_nll"] < 0:
        assert found["winner"]["verdict"] == "inconclusive"
    else:
        assert found["winner"]["verdict"] == "worse"
    assert not found["base_check"]["ok"]
    assert found["sample"]["documents"] >= 1


def test_what_an_earlier_version_measured_is_not_found(request_of: dict[str, Any]) -> None:
    """Its rows stay in the store, under a key that says the version."""
    key = MeasurementKey(**profile.run(request_of, no_report)["key"])
    old = replace(key, versions=key.versions.replace("metrics 2", "metrics 1"))
    assert old != key
    with closing(open_for_writing(store_path(Path(request_of["home"])))) as db:
        db.execute("UPDATE measurement_keys SET versions = ?", (old.versions,))
        db.conn.commit()
    again = profile.run(request_of, no_report)
    assert not again["stored"]
    assert again["key"]["versions"] == key.versions


def test_a_check_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    key = MeasurementKey("f", "t", "s", "selection", 4096, 256, "float32", "metrics 2")
    check = replace(HEALTHY, other_nll=nan)
    with closing(open_for_writing(tmp_path / "store")) as db:
        save_base_check(db, key, check)
        save_base_check(db, key, replace(check, unigram_nll=1.0))
    with closing(open_for_reading(tmp_path / "store")) as connection:
        found = find_base_check(connection, key)
    assert found is not None
    assert math.isnan(found.other_nll)
    assert replace(found, other_nll=0.0) == replace(check, other_nll=0.0)
