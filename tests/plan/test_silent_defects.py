"""Every defect that mergekit takes without a word (references: mergekit.md, section 8, the rows with exit 0, and 1.9,
1.10): here it is told of at its line, or it is no defect any more."""

from pathlib import Path

import pytest

from engine.errors import DlecError
from engine.plan.outputs import config_overrides, output_config, output_tensors
from engine.plan.problems import Severity
from engine.tasks.merge import MergeOptions, merge
from tests.cases import cases
from tests.plan.plans import checked_plan, plan_of, stack_of, write_models
from tests.tiny import llama_shapes, write_weights

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    variants = {
        "A": {},
        "WIDE": {"hidden": 16, "config": {"hidden_size": 16}},
        "DEEP": {"intermediate": 32, "config": {"intermediate_size": 32}},
        "VOCAB": {"vocab": 32},
        "TIED": {"tied": True},
        "HEADS": {"config": {"num_attention_heads": 4}},
        "EPS": {"config": {"rms_norm_eps": 1e-6}},
        "ROPE": {"config": {"rope_theta": 500000.0}},
        "HALF": {"dtype": "F16"},
        "QWEN": {"config": {"model_type": "qwen2", "layer_types": ["full_attention"] * 4}},
        "NEW": {"config": {"model_type": "brandnew"}},
        "TALL": {"layers": 12},
        "BIASED": {"config": {"attention_bias": True}},
    }
    models = write_models(tmp_path_factory.mktemp("models"), variants)
    write_weights(Path(models["BIASED"]), llama_shapes(4, 8, 16, 16, tied=False) | biases())
    return models


def biases():
    """And what quantised checkpoints have beside their weights."""
    names = ("self_attn.q_proj.bias", "self_attn.o_proj.bias", "mlp.up_proj.weight_scale_inv")
    return {f"model.layers.{layer}.{name}": (8,) for layer in range(4) for name in names}


SOUND = plan_of(("A", 0, 4))
TOLD = {
    "a misspelt key of the plan": (f"paramters: {{scale: 0}}\n{SOUND}", "unknown-key", ERROR, 1),
    "a misspelt donor": (f"base_modle: TIED\n{SOUND}", "unknown-key", ERROR, 1),
    "a misspelt key of a source": (SOUND + "    params: {scale: 0}\n", "unknown-key", ERROR, 6),
    "a misspelt parameter": (SOUND + "    parameters: {scael: 0}\n", "unknown-key", ERROR, 6),
    "a key unheard of": (SOUND + "zebra: 1\n", "unknown-key", WARNING, 6),
    "a reversed range": (plan_of(("A", 0, 4), ("A", 3, 1)), "layer-range", ERROR, 8),
    "two sources of one model": (
        SOUND.replace("- sources:\n", "- sources:\n  - {model: A, layer_range: [1, 3]}\n"), "single-source", ERROR, 4
    ),
    "another width": (plan_of(("A", 0, 2), ("WIDE", 2, 4)), "architecture", ERROR, 7),
    "another inner width": (plan_of(("A", 0, 2), ("DEEP", 2, 4)), "architecture", ERROR, 7),
    "another vocabulary": (plan_of(("A", 0, 2), ("VOCAB", 2, 4)), "donors", ERROR, 7),
    "a head over other embeddings": (plan_of(("TIED", 0, 2), ("A", 2, 4)), "donors", NOTE, 7),
    "another architecture": (plan_of(("A", 0, 2), ("QWEN", 2, 4)), "architecture", ERROR, 7),
    "other heads": (plan_of(("A", 0, 2), ("HEADS", 2, 4)), "architecture", ERROR, 7),
    "another norm epsilon": (plan_of(("A", 0, 2), ("EPS", 2, 4)), "architecture", WARNING, 7),
    "another rotation": (plan_of(("A", 0, 2), ("ROPE", 2, 4)), "architecture", WARNING, 7),
    "an architecture unheard of": (plan_of(("NEW", 0, 4), ("NEW", 1, 4)), "known-family", WARNING, 4),
    "a pattern as a filter": (
        plan_of(("A", 0, 4, '[{filter: "o_proj|down_proj", value: 0}]')), "filters", WARNING, 6
    ),
    "a wrong filter": (plan_of(("A", 0, 4, "[{filter: oproj, value: 0}]")), "filters", WARNING, 6),
    "an entry behind one for all": (
        plan_of(("A", 0, 4, "[{value: 1}, {filter: o_proj, value: 0}]")), "filters", WARNING, 6
    ),
    "a number in a filter that longer ones begin with": (
        plan_of(("TALL", 0, 12, "[{filter: layers.1, value: 0}]")), "filters", WARNING, 6
    ),
    "a scale that reaches the embeddings": (plan_of(("A", 0, 4, "0.5")), "scale-reach", WARNING, 3),
    "two dtypes": (plan_of(("A", 0, 2), ("HALF", 2, 4)), "dtypes", ERROR, 8),
    "a donor of another dtype": (plan_of(("HALF", 0, 0), ("A", 0, 4)), "dtypes", ERROR, 8),
    "a dead field": (SOUND.replace("- sources", "- residual_weight: 0.5\n  sources"), "no-effect", WARNING, 3),
}  # fmt: skip


@cases(("text", "rule", "severity", "line"), TOLD.values(), ids=TOLD)
def test_what_mergekit_takes_in_silence_is_told_at_its_line(models, text, rule, severity, line):
    told = {(each.rule, each.severity, each.place and each.place.line) for each in checked_plan(models, text).problems}
    assert (rule, severity, line) in told


def test_a_directory_with_something_in_it_is_left_alone(models, tmp_path):
    (tmp_path / "model-00001-of-00002.safetensors").touch()
    with pytest.raises(DlecError, match="exists and is not empty"):
        merge(stack_of(models, SOUND), SOUND, tmp_path, MergeOptions(load_check=False))
    assert [file.name for file in tmp_path.iterdir()] == ["model-00001-of-00002.safetensors"]


def test_per_layer_lists_follow_the_layers(models):
    stack = stack_of(models, plan_of(("QWEN", 0, 3), ("QWEN", 1, 4)))
    assert output_config(stack).changes[("layer_types",)] == ["full_attention"] * 6


def test_an_unknown_architecture_gets_its_layer_count(models):
    assert output_config(stack_of(models, plan_of(("NEW", 0, 3), ("NEW", 1, 4)))).changes == {("num_hidden_layers",): 6}


def test_biases_and_the_scales_of_quantised_weights_are_carried(models):
    stack = stack_of(models, plan_of(("BIASED", 0, 4), ("BIASED", 3, 4)))
    names = {tensor.name for tensor in output_tensors(stack)}
    assert {name.replace("layers.3.", "layers.4.") for name in biases()} | biases().keys() <= names


@cases(("first", "last", "tied"), [("A", "TIED", None), ("TIED", "A", False), ("TIED", "TIED", None)])
def test_a_head_is_never_lost_and_never_ignored(models, first, last, tied):
    stack = stack_of(models, plan_of((first, 0, 2), (last, 2, 4)))
    heads = [tensor for tensor in output_tensors(stack) if tensor.name == "lm_head.weight"]
    assert len(heads) == (0 if first == last else 1)
    assert config_overrides(stack).get(("tie_word_embeddings",)) is tied
