"""The check of a plan detects what checkpoints lack, with transformers and without it."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from engine.checkpoint.load_check import LoadCheck, load_check_of
from engine.inference import loadcheck
from engine.plan.check import check_plan
from engine.plan.problems import Problem, Severity
from engine.plan.rules import UNKNOWN, CheckContext
from engine.plan.source_defects import Opened, judged, judged_alone
from engine.plan.stack import Stack
from engine.tasks.header_checks import Headers, headers_of, planned_headers
from tests.architectures import LAYERS, CheckpointOf, every_family

Tensors = dict[str, torch.Tensor]
Change = Callable[[Tensors, dict[str, Any]], Tensors]
ABOUT_LOADING = {"loads", "incomplete", "adapters", "packed-layers", "list-lengths", "wrapped-names"}


def oracle(headers: Headers) -> LoadCheck:
    """transformers, asked in this process."""
    return load_check_of(loadcheck.check(headers.request))


def opened_here(stack: Stack) -> Opened:
    planned = planned_headers(stack)
    sources = {checkpoint: oracle(headers_of(checkpoint)) for checkpoint in stack.checkpoints}
    return Opened(sources, oracle(planned) if planned else None)


WITH_TRANSFORMERS = CheckContext(opened=opened_here)


def changed(source: Path, directory: Path, change: Change) -> Path:
    """A copy of a checkpoint whose tensors and config `change` has changed."""
    shutil.copytree(source, directory)
    config = json.loads((directory / "config.json").read_text())
    tensors = change(load_file(directory / "model.safetensors"), config)
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def stacked(model: Path, *ranges: tuple[int, int]) -> str:
    parts = [{"sources": [{"model": str(model), "layer_range": list(span)}]} for span in ranges]
    return json.dumps({"merge_method": "passthrough", "slices": parts})


def found_in(model: Path, context: CheckContext, *ranges: tuple[int, int]) -> list[Problem]:
    text = stacked(model, *(ranges or ((0, 4), (2, LAYERS))))
    return [each for each in check_plan(text, opener(), context).problems if each.rule in ABOUT_LOADING]


def without(*names: str) -> Change:
    return lambda tensors, _config: {name: each for name, each in tensors.items() if name not in names}


def with_lora(tensors: Tensors, _config: dict[str, Any]) -> Tensors:
    """As trainers save a model whose adapter is still on."""

    def parts(name: str, tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        if not name.endswith("q_proj.weight"):
            yield name, tensor
            return
        module = name.removesuffix(".weight")
        yield f"{module}.base_layer.weight", tensor
        yield f"{module}.lora_A.default.weight", torch.zeros(2, tensor.shape[1])
        yield f"{module}.lora_B.default.weight", torch.zeros(tensor.shape[0], 2)

    return {new: each for name, tensor in tensors.items() for new, each in parts(f"base_model.model.{name}", tensor)}


def misshapen(tensors: Tensors, _config: dict[str, Any]) -> Tensors:
    return tensors | {"model.layers.3.mlp.down_proj.weight": torch.zeros(32, 40)}


def longer_list(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    config["layer_types"] = ["full_attention"] * (LAYERS + 3)
    return tensors


LOST: dict[str, Change] = {
    "the head": without("lm_head.weight"),
    "the embeddings": without("model.embed_tokens.weight"),
    "one tensor of a layer": without("model.layers.3.self_attn.o_proj.weight"),
    "a whole module of a layer": without("model.layers.3.input_layernorm.weight"),
    "parts of the last layer": without("model.layers.5.mlp.up_proj.weight", "model.layers.5.mlp.down_proj.weight"),
    "a tensor's shape": misshapen,
    "an adapter that was not merged": with_lora,
    "the end of its layers": longer_list,
}


@pytest.mark.parametrize("context", [UNKNOWN, WITH_TRANSFORMERS], ids=["structure alone", "transformers"])
@pytest.mark.parametrize("change", LOST.values(), ids=LOST)
def test_what_a_source_has_lost_forbids_the_plan(
    change: Change, context: CheckContext, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    model = changed(checkpoint_of("llama"), tmp_path / "model", change)
    problems = found_in(model, context)
    assert any(problem.severity is Severity.ERROR and str(model) in problem.message for problem in problems), problems


def test_what_the_plan_leaves_out_may_be_lost(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    model = changed(checkpoint_of("llama"), tmp_path / "model", LOST["one tensor of a layer"])
    for context in (UNKNOWN, WITH_TRANSFORMERS):
        assert found_in(model, context, (0, 3), (4, LAYERS)) == []


def test_an_expert_that_one_layer_lacks_is_found(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    lost = without("model.layers.3.mlp.experts.2.down_proj.weight")
    model = changed(checkpoint_of("qwen3-moe"), tmp_path / "model", lost)
    for context in (UNKNOWN, WITH_TRANSFORMERS):
        (problem,) = found_in(model, context)
        assert problem.severity is Severity.ERROR
        assert "layers.3.mlp.experts" in problem.message


def test_layers_that_all_lack_a_tensor_need_transformers_to_be_found(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    lost = without(*(f"model.layers.{layer}.mlp.up_proj.weight" for layer in range(LAYERS)))
    model = changed(checkpoint_of("llama"), tmp_path / "model", lost)
    (problem,) = found_in(model, WITH_TRANSFORMERS)
    assert "6 tensors (model.layers.0.mlp.up_proj.weight" in problem.message
    assert "missing" in problem.message


WRAPPED: dict[str, Callable[[str], str]] = {
    "compiled": lambda name: f"_orig_mod.{name}",
    "DDP": lambda name: f"module.{name}",
    "PEFT": lambda name: f"base_model.model.{name}",
    "blocks compiled one by one": lambda name: re.sub(r"(layers\.\d+\.)", r"\1_orig_mod.", name),
}


@pytest.mark.parametrize("rename", WRAPPED.values(), ids=WRAPPED)
def test_names_of_wrappers_are_removed_and_reported(
    rename: Callable[[str], str], checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    def change(tensors: Tensors, _config: dict[str, Any]) -> Tensors:
        return {rename(name): tensor for name, tensor in tensors.items()}

    model = changed(checkpoint_of("llama"), tmp_path / "model", change)
    for context in (UNKNOWN, WITH_TRANSFORMERS):
        (problem,) = found_in(model, context)
        assert (problem.rule, problem.severity) == ("wrapped-names", Severity.NOTE)


def seeing(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """A text model's weights under the config of a model that sees."""
    text = dict(config) | {"model_type": "qwen3_vl_text", "rope_parameters": {"rope_type": "default"}}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 4, "out_hidden_size": 32}
    config.clear()
    config |= {"model_type": "qwen3_vl", "architectures": ["Qwen3VLForConditionalGeneration"], "text_config": text}
    config |= {"vision_config": {**vision, "deepstack_visual_indexes": [1], "num_position_embeddings": 16}}
    return tensors


def test_a_text_models_weights_under_a_vision_models_config(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    model = changed(checkpoint_of("qwen3"), tmp_path / "model", seeing)
    (said,) = found_in(model, UNKNOWN)
    assert said.severity is Severity.ERROR
    assert "have no vision tower" in said.message
    problems = found_in(model, WITH_TRANSFORMERS)
    assert any(problem.severity is Severity.ERROR and "language_model" in problem.message for problem in problems)


def with_extras(tensors: Tensors, _config: dict[str, Any]) -> Tensors:
    """A value head, and scales of a quantisation that transformers does not know."""
    scales = {f"model.layers.{layer}.mlp.up_proj.weight_scale_inv": torch.ones(1) for layer in range(LAYERS)}
    return tensors | scales | {"v_head.summary.weight": torch.zeros(1, 32), "v_head.summary.bias": torch.zeros(1)}


def test_tensors_that_the_source_has_in_excess_are_no_fault_of_the_merge(
    checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    model = changed(checkpoint_of("llama"), tmp_path / "model", with_extras)
    (problem,) = found_in(model, WITH_TRANSFORMERS)
    assert problem.severity is Severity.NOTE
    assert "loads the same way" in problem.message
    result = judged_result(model)
    assert result.ok
    assert result.inherited_of("unexpected")[-1] == "v_head.summary.weight"
    assert any("the source opens the same way" in remark for remark in result.remarks)


def judged_result(model: Path) -> LoadCheck:
    stack = check_plan(stacked(model, (0, 4), (2, LAYERS)), opener()).stack
    assert stack is not None
    opened = opened_here(stack)
    assert opened.result is not None
    return judged(opened.result, stack, opened.sources)


def with_prediction_layer(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    config["num_nextn_predict_layers"] = 1
    last = f"model.layers.{LAYERS - 1}."
    copied = {name.replace(last, f"model.layers.{LAYERS}."): t.clone() for name, t in tensors.items() if last in name}
    return tensors | copied | {f"model.layers.{LAYERS}.eh_proj.weight": torch.zeros(32, 64)}


def test_prediction_extra_layers_the_last_one_are_no_fault(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    """transformers ignores them at the number that the published model has them at, and at no other."""
    model = changed(checkpoint_of("deepseek-v3"), tmp_path / "model", with_prediction_layer)
    result = judged_result(model)
    assert result.ok
    assert len(result.unopened) > 10
    assert "prediction layers after the last layer" in result.remarks[0]
    alone = judged_alone(oracle(headers_of(opener()(str(model)))), opener()(str(model)))
    assert alone.ok
    assert alone.unopened


def test_tensors_behind_the_last_layer_that_nothing_announces_stay_a_fault(checkpoint_of: CheckpointOf) -> None:
    checkpoint = opener()(str(checkpoint_of("llama")))
    result = LoadCheck(unexpected=("model.layers.6.mlp.up_proj.weight",), decoder="model.layers.")
    assert judged_alone(result, checkpoint) == result


def test_a_fault_of_the_merge_alone_is_not_attributed_to_the_source(checkpoint_of: CheckpointOf) -> None:
    stack = check_plan(stacked(checkpoint_of("llama"), (0, 4), (2, LAYERS)), opener()).stack
    assert stack is not None
    (source,) = stack.checkpoints
    names = ("model.layers.5.mlp.up_proj.weight", "model.layers.4.mlp.up_proj.weight")
    opening = LoadCheck(missing=("model.layers.3.mlp.up_proj.weight",), decoder="model.layers.")
    result = judged(LoadCheck(missing=names, decoder="model.layers."), stack, {source: opening})
    assert result.missing == names[1:]  # place 4 is layer 2, place 5 is layer 3
    assert result.inherited == (f"missing: {names[0]}",)


@pytest.mark.parametrize("family", every_family())
def test_an_intact_checkpoint_of_every_family_is_clean(family: str, checkpoint_of: CheckpointOf) -> None:
    for context in (UNKNOWN, WITH_TRANSFORMERS):
        assert found_in(checkpoint_of(family), context) == []


def test_a_checkpoint_is_opened_by_its_headers_as_by_its_files(checkpoint_of: CheckpointOf) -> None:
    directory = checkpoint_of("mixtral")
    by_files, by_headers = loadcheck.check({"directory": str(directory)}), oracle(headers_of(opened(directory)))
    assert by_headers.ok
    assert (by_headers.architecture, by_headers.parameters) == (by_files["architecture"], by_files["parameters"])
    assert by_headers.decoder == "model.layers."


def opened(directory: Path) -> Checkpoint:
    return opener()(str(directory))


def test_a_config_that_transformers_refuses_is_not_called_by_a_temporary_name() -> None:
    config = json.dumps({"model_type": "llama", "num_hidden_layers": 2, "hidden_size": "8"})
    (difference,) = loadcheck.check({"config": config, "tensors": {}, "what": "the new model"})["differences"]
    assert difference.startswith("transformers refuses config.json: ")
    assert "/tmp" not in difference
