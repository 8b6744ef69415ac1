"""The preview task, and the proof that a merge gives what was previewed."""

import math
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from engine.checkpoint.find import opener
from engine.errors import PlanError
from engine.plan.check import check_plan
from engine.protocol import no_report
from engine.tasks import generate, preview, verify_equivalence
from engine.tasks.merge import MergeOptions, merge
from engine.tasks.preview import compiled
from tests.tasks.conftest import part, plan_of

ZEROED = {"scale": [{"filter": "o_proj", "value": 0.0}, {"filter": "down_proj", "value": 0.0}, {"value": 1.0}]}


def repeating(model: Path) -> str:
    return plan_of(part(model, 0, 4), part(model, 2, 6))


@pytest.mark.parametrize("inert", [{}, {"parameters": ZEROED}], ids=["identity", "zeroed copies"])
def test_a_plan_that_changes_nothing_previews_with_a_difference_of_exactly_0(options, tiny_llama: Path, inert) -> None:
    copies = [part(tiny_llama, 2, 4, **inert)] if inert else []
    found = preview.run(
        {**options, "plan": plan_of(part(tiny_llama, 0, 4), *copies, part(tiny_llama, 4, 6))}, no_report
    )
    assert (found["delta_nll"], found["delta_nll_se"], found["interval95"]) == (0, 0, [0, 0])
    assert (found["kl"], found["top1_agreement"]) == (0, 1)


def test_the_answer_is_consistent_with_itself(options, tiny_llama: Path) -> None:
    found = preview.run({**options, "plan": repeating(tiny_llama)}, no_report)
    low, high = found["interval95"]
    assert low < found["delta_nll"] < high
    assert found["plan"]["nll"] - found["base"]["nll"] == pytest.approx(found["delta_nll"])
    assert found["base"]["perplexity"] == math.exp(found["base"]["nll"])
    assert (found["tokens"], found["sequences"]) == (16 * 7, 16)


def test_a_second_run_finds_it_and_an_edited_plan_is_another(options, tiny_llama: Path) -> None:
    first = preview.run({**options, "plan": repeating(tiny_llama)}, no_report)
    assert preview.run({**options, "plan": repeating(tiny_llama)}, no_report) == first | {"stored": True}
    assert not preview.run({**options, "plan": repeating(tiny_llama) + "\n"}, no_report)["stored"]


def test_a_patched_plan_is_measured_by_itself_and_proved_like_any_other(
    options, tiny_llama: Path, tmp_path: Path
) -> None:
    text = repeating(tiny_llama)
    merge(check_plan(text, opener()).stack, text, tmp_path / "plain", MergeOptions(load_check=False))
    gain = {"model.norm.weight": 3 * load_file(tmp_path / "plain" / "model.safetensors")["model.norm.weight"]}
    save_file(gain, tmp_path / "gain.safetensors")
    plain = {**options, "plan": text}
    patched = {**plain, "patches": [str(tmp_path / "gain.safetensors")]}
    first = preview.run(plain, no_report)
    second = preview.run(patched, no_report)
    assert not second["stored"]
    assert second["plan"] != first["plan"]
    assert preview.run(patched, no_report) == second | {"stored": True}
    assert preview.run(plain, no_report) == first | {"stored": True}
    stack = compiled(patched)
    merge(stack, text, tmp_path / "merged", MergeOptions(load_check=False))
    assert verify_equivalence.run({**patched, "merged": str(tmp_path / "merged")}, no_report)["max_difference"] == 0.0
    assert verify_equivalence.run({**plain, "merged": str(tmp_path / "merged")}, no_report)["max_difference"] > 0


def test_a_plan_that_computes_nan_is_a_result_that_says_so(options, tiny_llama: Path) -> None:
    overflowing = part(tiny_llama, 2, 4, parameters={"scale": 3e38})
    request = {**options, "plan": plan_of(part(tiny_llama, 0, 4), overflowing, part(tiny_llama, 4, 6))}
    for _ in range(2):  # as it is measured, and as the store has it
        found = preview.run(request, no_report)
        assert found["not_finite"] == {"base": 0, "plan": 16 * 7}
        assert (found["plan"]["nll"], found["delta_nll"], found["interval95"]) == (None, None, None)
        assert math.isfinite(found["base"]["nll"])
    assert found["stored"]


def test_a_plan_that_cannot_be_run_is_refused(options, tiny_llama: Path) -> None:
    with pytest.raises(PlanError, match="cannot be run"):
        preview.run({**options, "plan": plan_of(part(tiny_llama, 0, 9))}, no_report)


def test_the_merged_checkpoint_computes_what_was_previewed(options, tiny_llama: Path, tmp_path: Path) -> None:
    text = repeating(tiny_llama)
    merge(check_plan(text, opener()).stack, text, tmp_path / "merged", MergeOptions(load_check=False))
    proof = {**options, "plan": text, "merged": str(tmp_path / "merged")}
    assert verify_equivalence.run(proof, no_report) == {"max_difference": 0.0, "tokens": 16, "dtype": "float32"}


def test_another_checkpoint_is_told_from_the_previewed_one(options, tiny_llama: Path) -> None:
    proof = {**options, "plan": repeating(tiny_llama), "merged": str(tiny_llama)}
    assert verify_equivalence.run(proof, no_report)["max_difference"] > 0


def test_base_and_plan_continue_the_prompt_and_every_piece_is_reported(options, tiny_llama: Path) -> None:
    pieces = ["", ""]

    def listen(speaker: int, _speakers: int, piece: str) -> None:
        pieces[speaker] += piece

    request = {**options, "plan": repeating(tiny_llama), "prompt": "Once", "max_new_tokens": 6}
    texts = generate.run(request, listen)
    assert [texts["base"], texts["plan"]] == pieces
    assert all(pieces)


@pytest.mark.parametrize("batch_size", [4, 5])
def test_progress_is_reported_at_every_batch(options, tiny_llama: Path, batch_size: int) -> None:
    heard = []
    request = {**options, "plan": repeating(tiny_llama), "batch_size": batch_size}
    preview.run(request, lambda *progress: heard.append(progress))
    assert heard.pop() == (0, 1, "stage 2 of 2: checking the base")
    assert [progress[:2] for progress in heard] == [
        (min(done, 16), 16) for done in range(0, 16 + batch_size, batch_size)
    ]
