"""dlec.check, dlec.load and dlec.merge."""

from pathlib import Path

import pytest

import dlec
from tests.cases import cases


@pytest.fixture
def repeating(plan) -> str:
    return plan((0, 4), (2, 6))


def test_a_check_says_what_the_new_model_will_be(repeating: str) -> None:
    found = dlec.check(repeating)
    assert (found.ok, found.layers) == (True, 8)
    assert found.nbytes > found.parameters > 0


def test_a_plan_is_a_path_or_a_text(repeating: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(repeating)
    assert dlec.check(file) == dlec.check(str(file)) == dlec.check(repeating)


def test_problems_are_returned_with_their_place(plan) -> None:
    found = dlec.check(plan((0, 9)))
    error = next(problem for problem in found.problems if problem.severity == "error")
    assert (found.ok, found.layers, error.rule) == (False, None, "layer-range")
    assert error.line is not None


def test_a_loaded_plan_computes_what_its_merge_computes(repeating: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    tokens = torch.tensor([[1, 2, 3, 4]])
    merged = dlec.merge(repeating, tmp_path / "out", load_check=False)
    expected = AutoModelForCausalLM.from_pretrained(merged.out, dtype="auto")(tokens).logits
    assert torch.equal(dlec.load(repeating)(tokens).logits, expected)


def test_a_merge_reports_what_it_wrote(repeating: str, tmp_path: Path) -> None:
    seen = []
    found = dlec.merge(repeating, tmp_path / "out", load_check=False, progress=lambda *counts: seen.append(counts))
    assert (found.out, found.load_check) == (tmp_path / "out", "skipped")
    assert found.nbytes == sum(file.stat().st_size for file in found.out.glob("*.safetensors"))
    assert seen[-1][0] == seen[-1][1]


@cases("function", [dlec.load, lambda plan: dlec.merge(plan, "never")], ids=["load", "merge"])
def test_a_plan_with_an_error_is_refused_with_its_line(plan, function) -> None:
    with pytest.raises(dlec.DlecError, match=r"line \d+"):
        function(plan((0, 9)))


def test_a_patch_reaches_the_loaded_model_and_the_merge(plan, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    name = "model.layers.6.mlp.down_proj.weight"
    before = dlec.load(plan((0, 4), (2, 6))).state_dict()[name]
    save_file({name: torch.full_like(before, 0.5)}, tmp_path / "patch.safetensors")
    patched = {"patches": [tmp_path / "patch.safetensors"]}
    assert torch.all(dlec.load(plan((0, 4), (2, 6)), **patched).state_dict()[name] == 0.5)
    merged = dlec.merge(plan((0, 4), (2, 6)), tmp_path / "out", load_check=False, **patched)
    stored = {key: tensor for file in merged.out.glob("*.safetensors") for key, tensor in load_file(file).items()}
    assert torch.all(stored[name] == 0.5)


def test_a_patch_that_does_not_fit_is_an_error_of_the_check(plan, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"model.layers.99.mlp.down_proj.weight": torch.zeros(2)}, tmp_path / "patch.safetensors")
    found = dlec.check(plan((0, 4), (2, 6)), patches=[tmp_path / "patch.safetensors"])
    assert (found.ok, {problem.rule for problem in found.problems if problem.severity == "error"}) == (
        False,
        {"patches"},
    )
