"""Files beside the weights that name layers follow them, or are left out with the reason."""

import json

import pytest

from engine.errors import CheckpointError
from engine.plan.companions import companions
from engine.plan.stack import Donor, Stack, Visit
from tests.cases import cases
from tests.plan.named_models import LAYERS, MODELS, stack_of

SIDECARS = {
    "hf_quant_config.json": ({"quantization": {"exclude_modules": ["lm_head", "model.layers.5*"]}}, "model.layers.8*"),
    "quantize_config.json": ({"bits": 4, "dynamic": {r"-:.*\.5\..*": {}}}, r"-:.*\\.8\\..*"),
    "quant_config.json": ({"modules_to_not_convert": ["model.layers.5.mlp"]}, "model.layers.8.mlp"),
    "params.json": ({"dim": 8, "n_layers": 7, "vision_encoder": {"num_hidden_layers": 7}}, '"n_layers": 10'),
    "anything.json": ({"notes": {"model.layers.5.mlp": "hot"}}, "model.layers.8.mlp"),
}


@cases("name", SIDECARS)
def test_json_beside_the_weights_is_rewritten(name: str) -> None:
    old, part = SIDECARS[name]
    stack = stack_of(MODELS["llama"].checkpoint({}, {name: json.dumps(old)}), LAYERS)
    assert part in companions(stack).rewritten[name]
    assert "5" not in companions(stack).rewritten[name]


def test_another_towers_depth_beside_the_weights_stays() -> None:
    old, _ = SIDECARS["params.json"]
    stack = stack_of(MODELS["llama"].checkpoint({}, {"params.json": json.dumps(old)}), LAYERS)
    assert json.loads(companions(stack).rewritten["params.json"])["vision_encoder"] == {"num_hidden_layers": 7}


@cases(
    ("name", "text"),
    [
        ("recipe.yaml", "stage:\n  ignore: ['re:.*lm_head', 're:.*layers.5.mlp.*']\n"),
        ("recipe.yaml", "a: [unclosed, layers.5"),
        ("recipe.yaml", "a: &x [model.layers.1]\nb: *x\n"),
        ("importance.json", '{"layer_importance": [1, 2, 3, 4, 5, 6, 7]}'),
        ("importance.json", '{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1}'),
        ("importance.json", '{"layer_3": 0.5}'),
        ("sensitivity.csv", "module,score\nmodel.layers.3.mlp,0.5\n"),
        ("broken.json", '{"model.layers.3": '),
        ("imatrix.dat", None),
        ("MD5SUMS", None),
        ("model.sig", None),
    ],
)
def test_what_cannot_be_rewritten_is_left_out_with_a_reason(name: str, text: str | None) -> None:
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {name: text}), LAYERS))
    assert list(found.left_out) == [name]
    assert not found.rewritten


@cases(
    ("name", "text"),
    [
        ("recipe.yaml", "stage:\n  ignore: ['re:.*lm_head']\n  targets: [Linear]\n"),
        ("recipe.yaml", "1: one\n2024-01-01: two\n"),
        ("hf_quant_config.json", '{"quantization": {"quant_algo": "FP8_BLOCK_128", "exclude_modules": ["lm_head"]}}'),
        ("other.json", "[1, 2, 3"),
        ("other.json", '{"depth": 24, "layers": 24, "names": ["a", "b"]}'),
    ],
)
def test_what_says_nothing_of_single_layers_is_copied(name: str, text: str) -> None:
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {name: text}), LAYERS))
    assert not found.left_out
    assert not found.rewritten


def test_a_file_whose_top_names_layers_is_rewritten_with_its_depth() -> None:
    text = '{"n_layers": 7, "model.layers.5": {"bits": 7}, "odd": "\\ud800"}'
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {"x.json": text}), LAYERS)).rewritten["x.json"]
    assert json.loads(found) == {"n_layers": 10, "model.layers.8": {"bits": 7}, "odd": "\ud800"}
    assert found.encode()


def test_a_depth_among_names_is_rewritten_with_them() -> None:
    text = '{"inner": {"n_layers": 7, "model.layers.5": 1}}'
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {"x.json": text}), LAYERS)).rewritten["x.json"]
    assert json.loads(found) == {"inner": {"n_layers": 10, "model.layers.8": 1}}


def test_sources_whose_quantisation_files_differ_are_refused() -> None:
    first, second = (
        MODELS["llama"].checkpoint({}, {"hf_quant_config.json": json.dumps({"exclude_modules": [name]})})
        for name in ("lm_head", "model.norm")
    )
    visits = tuple(Visit.whole(checkpoint, 0, 0) for checkpoint in (first, second))
    with pytest.raises(CheckpointError, match=r"hf_quant_config\.json"):
        companions(Stack(visits, Donor(first), Donor(second), first))
    bare = MODELS["llama"].checkpoint({})
    for donor, other in ((bare, first), (first, bare)):
        with pytest.raises(CheckpointError, match=r"hf_quant_config\.json"):
            companions(Stack((Visit.whole(donor, 0, 0), Visit.whole(other, 0, 0)), Donor(donor), Donor(other), donor))


def test_a_quantisation_file_that_cannot_be_rewritten_forbids_the_stack() -> None:
    text = '{"exclude_modules": ["re:.*layers.(5"]}'
    with pytest.raises(CheckpointError, match=r"hf_quant_config\.json"):
        companions(stack_of(MODELS["llama"].checkpoint({}, {"hf_quant_config.json": text}), LAYERS))


def test_the_layers_as_they_are_leave_every_file_as_it_is() -> None:
    text = '{"exclude_modules": ["model.layers.5*"]}'
    assert not companions(stack_of(MODELS["llama"].checkpoint({}, {"hf_quant_config.json": text}), range(7))).rewritten
