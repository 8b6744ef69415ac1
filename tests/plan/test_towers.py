"""Models of several towers: slices mean the language model, and the rest is carried along as it is."""

import json

import pytest

from engine.checkpoint.find import opener
from engine.plan.check import check_plan
from engine.plan.outputs import output_config, output_tensors
from engine.plan.recipes import attenuated, expand_end, interleave, llama_pro, zeroed_middle
from engine.plan.recipes.registry import RECIPES
from tests.cases import cases
from tests.plan.plans import checked_plan, plan_of, stack_of, written_factor
from tests.tiny import llama_config, llama_shapes, write_weights

TOWER = {
    "model.vision_tower.embeddings.patch_embedding.weight": (32, 3, 2, 2),
    "model.vision_tower.encoder.layers.0.self_attn.out_proj.weight": (32, 32),
    **{
        f"model.vision_tower.encoder.layers.0.{module}.weight": (32, 32)
        for module in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.o_proj", "mlp.down_proj")
    },
    "model.vision_tower.encoder.layers.1.self_attn.out_proj.weight": (32, 32),
    "model.vision_tower.head.attention.in_proj_weight": (96, 32),
    "model.multi_modal_projector.linear.weight": (8, 32),
}
"""What stands beside the language model in Gemma 3 and Qwen2.5-VL: a pooling head among it, which is no language head,
and modules with the names of the language model's."""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "V"
    directory.mkdir()
    text = llama_shapes(4, 8, 16, 16, tied=True)
    renamed = {name.replace("model.", "model.language_model."): shape for name, shape in text.items()}
    write_weights(directory, TOWER | renamed)
    config = {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "text_config": llama_config(4, 8, 16, 16, tied=True),
        "vision_config": {"num_hidden_layers": 2, "hidden_size": 32},
        "tie_word_embeddings": True,
    }
    (directory / "config.json").write_text(json.dumps(config))
    return {"V": str(directory)}


INERT = {
    "llama-pro": llama_pro.Options(),
    "expand-end": expand_end.Options(),
    "zeroed-middle": zeroed_middle.Options((1, 3)),
    "interleave": interleave.Options((1, 3)),
}

PLAN = plan_of(("V", 0, 3), ("V", 1, 4))


def test_the_language_model_is_stacked_and_every_other_tensor_is_carried_once(models):
    names = [tensor.name for tensor in output_tensors(stack_of(models, PLAN))]
    assert names.count("model.language_model.layers.5.mlp.up_proj.weight") == 1
    assert [name for name in names if "language_model" not in name] == list(TOWER)
    assert len(names) == len(set(names))


def test_the_layer_count_of_the_language_model_alone_changes(models):
    assert output_config(stack_of(models, PLAN)).changes == {("text_config", "num_hidden_layers"): 6}


def test_mergekits_modules_mean_the_same(models):
    slices = PLAN.partition("slices:\n")[2].replace("\n", "\n    ")
    modules = f"  text_decoder:\n    slices:\n    {slices}\n  vision_tower: {{models: [{{model: V}}]}}\n"
    text = f"merge_method: passthrough\nmodules:\n{modules}"
    assert output_tensors(stack_of(models, text)) == output_tensors(stack_of(models, PLAN))


def test_a_towers_own_head_is_not_taken_for_the_language_head(models):
    checked = checked_plan(models, PLAN)
    assert checked.ok
    assert not [problem for problem in checked.problems if problem.rule == "donors"]


@cases(("recipe", "options"), [*INERT.items(), ("attenuated", attenuated.Options((1, 3)))])
def test_recipes_scale_the_language_model_alone_whatever_the_towers_modules_are_called(models, recipe, options):
    """No slice gives the towers' tensors, so that no scale reaches them."""
    text = RECIPES[recipe].write(opener()(models["V"]), options)
    checked = check_plan(text, opener())
    assert checked.ok
    scaled = {tensor.name for tensor in output_tensors(checked.stack) if written_factor(tensor) is not None}
    assert scaled
    assert all(name.startswith("model.language_model.layers.") for name in scaled)
    assert "filters" not in {problem.rule for problem in checked.problems}


def test_a_filter_that_matches_a_tower_alone_is_said_to_reach_nothing(models):
    checked = checked_plan(models, plan_of(("V", 0, 4, "[{filter: vision_tower, value: 0.5}]")))
    assert [problem.rule for problem in checked.problems] == ["filters"]
