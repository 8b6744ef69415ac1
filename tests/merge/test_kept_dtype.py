"""`dtype` casts weights and leaves what decides routing as it is: the proof, on a mixture of experts."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from engine.checkpoint.find import opener
from engine.inference import virtual
from engine.merge.card import card_text
from engine.plan.check import check_plan
from engine.tasks.merge import MergeOptions, merge
from tests.cases import cases

BIAS = "mlp.gate.e_score_correction_bias"
TOKENS = torch.randint(3, 64, (2, 16), generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def mixtures(tmp_path_factory):
    """Directories of one model stored in bfloat16 and in float32, its correction biases float32 in both."""
    config = AutoConfig.for_model(
        "glm4_moe",
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        n_routed_experts=16,
        moe_intermediate_size=8,
        num_experts_per_tok=2,
        first_k_dense_replace=1,
        pad_token_id=0,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).float()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if name.endswith(BIAS):
            tensor.data = 6.9 + 0.1 * torch.rand(tensor.shape)
    root = tmp_path_factory.mktemp("mixtures")
    model.save_pretrained(root / "F32")
    biases = {name: tensor.data for name, tensor in model.state_dict().items() if name.endswith(BIAS)}
    model.bfloat16()
    for name, bias in biases.items():
        model.get_submodule(name.rpartition(".")[0]).e_score_correction_bias.data = bias
    model.save_pretrained(root / "BF16")
    return root


def plan_over(directory, *extra):
    slices = [f"- sources: [{{model: {directory}, layer_range: {span}}}]" for span in ("[0, 2]", "[1, 3]")]
    return "\n".join(["merge_method: passthrough", *extra, "slices:", *slices, ""])


def written(text, out):
    checked = check_plan(text, opener())
    merge(checked.stack, text, out, MergeOptions(load_check=False))
    return checked, load_file(out / "model.safetensors")


def logits(model):
    with torch.inference_mode():
        return model(TOKENS, use_cache=False).logits


@pytest.mark.parametrize("stored", ["BF16", "F32"])
@pytest.mark.parametrize("key", ["dtype", "out_dtype"])
def test_weights_are_cast_and_correction_biases_are_not(mixtures, stored, key, tmp_path):
    checked, tensors = written(plan_over(mixtures / stored, f"{key}: bfloat16"), tmp_path / "out")
    dtypes = {name.endswith(BIAS): tensor.dtype for name, tensor in tensors.items()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16}
    (note,) = [problem for problem in checked.problems if problem.rule == "kept-dtype"]
    assert note.message == f"3 tensors keep their dtype: 3 x model.layers.N.{BIAS} (F32)"
    assert BIAS in card_text(checked.stack, checked.text, "out")


def test_naming_the_dtype_that_the_weights_have_changes_nothing(mixtures, tmp_path):
    """34 % of the tokens got other experts when the biases were rounded."""
    _, named = written(plan_over(mixtures / "BF16", "dtype: bfloat16"), tmp_path / "named")
    _, silent = written(plan_over(mixtures / "BF16"), tmp_path / "silent")
    assert all(torch.equal(named[name], silent[name]) for name in silent | named)


@pytest.mark.parametrize("stored", ["BF16", "F32"])
@pytest.mark.parametrize("extra", [(), ("# dlec: cast all",)])
def test_the_preview_computes_what_the_merge_does(mixtures, stored, extra, tmp_path):
    text = plan_over(mixtures / stored, "dtype: bfloat16", *extra)
    written(text, tmp_path / "out")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto").eval()
    assert torch.equal(logits(virtual.load(text)), logits(merged))


def test_a_comment_has_everything_cast(mixtures, tmp_path):
    text = plan_over(mixtures / "BF16", "dtype: bfloat16  # dlec: cast all")
    checked, tensors = written(text, tmp_path / "out")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "out/config.json").read_text())["dtype"] == "bfloat16"
    assert "kept-dtype" not in {problem.rule for problem in checked.problems}


@cases("said", ["cast everything", "cast", "casts all", "of unused-layer"])
def test_a_comment_that_means_nothing_is_reported(mixtures, said):
    problems = check_plan(plan_over(mixtures / "F32", f"# dlec: {said}"), opener()).problems
    assert [problem.place.line for problem in problems if problem.rule == "dlec-comment"] == [2]
