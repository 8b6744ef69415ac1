"""What counts as lost by names and shapes alone, and what does not."""

import json

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.gaps import Gap, gaps_in
from tests.tiny import llama_config, llama_shapes, write_weights

SHAPES = llama_shapes(6, 4, 8, 12, tied=False)


def gaps(directory, shapes, **config):
    """In a checkpoint of 6 llama layers with these shapes."""
    (directory / "config.json").write_text(json.dumps(llama_config(6, 4, 8, 12, tied=False) | config))
    write_weights(directory, shapes)
    return gaps_in(open_checkpoint(directory))


def without(*suffixes):
    return {name: shape for name, shape in SHAPES.items() if not name.endswith(suffixes)}


def test_an_intact_checkpoint_has_none(tmp_path):
    assert gaps(tmp_path, SHAPES) == ()


LOST = {
    "a projection": "model.layers.2.mlp.up_proj.weight",
    "a norm": "model.layers.2.input_layernorm.weight",
    "a projection of the first layer": "model.layers.0.mlp.up_proj.weight",
    "the head": "lm_head.weight",
    "the embeddings": "model.embed_tokens.weight",
}


@pytest.mark.parametrize("name", LOST.values(), ids=LOST)
def test_a_single_lost_tensor_is_named(tmp_path, name):
    layer = int(name.split(".")[2]) if ".layers." in name else None
    assert gaps(tmp_path, without(name)) == (Gap(layer, name),)


def test_an_odd_shape_is_given_with_the_usual_one(tmp_path):
    name = "model.layers.4.mlp.down_proj.weight"
    assert gaps(tmp_path, SHAPES | {name: (4, 6)}) == (Gap(4, name, (4, 6), (4, 8)),)


BY_DESIGN = {
    "a tied head": (without("lm_head.weight"), {"tie_word_embeddings": True}),
    "a head that the family decides on": (without("lm_head.weight"), {"tie_word_embeddings": None}),
    "a model without head": (without("lm_head.weight"), {"architectures": ["LlamaModel"]}),
    "a first layer without its norm": (without("layers.0.input_layernorm.weight"), {}),
    "a first layer without a scale": (
        SHAPES | {f"model.layers.{layer}.mlp.router_scale": (4,) for layer in range(1, 6)},
        {},
    ),
    "every second layer without a bias": (
        SHAPES | {f"model.layers.{layer}.self_attn.q_proj.bias": (4,) for layer in (0, 2, 4)},
        {},
    ),
    "layers of two kinds": (
        without("layers.5.self_attn.k_proj.weight"),
        {"layer_types": ["sliding_attention"] * 5 + ["full_attention"]},
    ),
    "a pruned layer": (
        SHAPES
        | {f"model.layers.3.mlp.{name}_proj.weight": (6, 4) for name in ("up", "gate")}
        | {"model.layers.3.mlp.down_proj.weight": (4, 6)},
        {},
    ),
    "other names of embeddings and head": (
        without("lm_head.weight", "embed_tokens.weight") | {"w.weight": (12, 4), "model.ff_out.weight": (12, 4)},
        {},
    ),
}


@pytest.mark.parametrize(("shapes", "config"), BY_DESIGN.values(), ids=BY_DESIGN)
def test_what_models_lack_by_design_is_not_lost(tmp_path, shapes, config):
    assert gaps(tmp_path, shapes, **config) == ()
