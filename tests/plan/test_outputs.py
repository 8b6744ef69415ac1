"""What the list of output tensors promises: names, donors, scalings, sizes."""

import pytest

from engine.checkpoint.find import opener
from engine.plan.cost import cost_of, picture
from engine.plan.outputs import Scale, config_overrides, output_tensors
from engine.plan.stack import Donor, Stack, Visit
from tests.cases import cases
from tests.tiny import write_llama, write_weights


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    open_checkpoint = opener()
    variants = {"untied": {}, "tied": {"tied": True, "seed": 1}, "bf16": {"dtype": "BF16"}}
    return {name: open_checkpoint(str(write_llama(root / name, layers=4, **v))) for name, v in variants.items()}


def stack_of(first, last, layers=(0, 1, 2, 3), *, levels=(), **options):
    visits = tuple(Visit.whole(first, layer, 0, levels) for layer in layers)
    return Stack(visits, Donor(first, levels), Donor(last, levels), first, **options)


def by_name(stack):
    return {tensor.name: tensor for tensor in output_tensors(stack)}


def test_layers_are_numbered_by_visit_and_taken_from_their_source(models):
    tensors = by_name(stack_of(models["untied"], models["untied"], (0, 1, 1, 2, 3)))
    assert tensors["model.layers.2.mlp.up_proj.weight"].pieces[0].name == "model.layers.1.mlp.up_proj.weight"
    assert all(tensor.is_copy for tensor in tensors.values())


def test_the_identity_stack_is_the_checkpoint(models):
    checkpoint = models["untied"]
    tensors = by_name(stack_of(checkpoint, checkpoint))
    assert {name: tensor.pieces[0] for name, tensor in tensors.items()} == dict(checkpoint.tensors)
    assert config_overrides(stack_of(checkpoint, checkpoint)) == {}


def test_a_tied_head_over_other_embeddings_is_written_out(models):
    stack = stack_of(models["untied"], models["tied"])
    assert by_name(stack)["lm_head.weight"].pieces[0] is models["tied"].tensors["model.embed_tokens.weight"]
    assert config_overrides(stack) == {}


def test_an_untied_head_over_tied_embeddings_unties_the_config(models):
    stack = stack_of(models["tied"], models["untied"])
    assert by_name(stack)["lm_head.weight"].pieces[0] is models["untied"].tensors["lm_head.weight"]
    assert config_overrides(stack) == {("tie_word_embeddings",): False}


def test_a_factor_of_one_copies_bytes(models):
    tensors = by_name(stack_of(models["untied"], models["untied"], levels=(((None, 1.0),),)))
    assert all(tensor.is_copy for tensor in tensors.values())


def test_a_scale_changes_what_its_filter_names(models):
    tensors = by_name(stack_of(models["untied"], models["untied"], levels=((("o_proj", 0.5),),)))
    scaled = {name for name, tensor in tensors.items() if isinstance(tensor.operation, Scale)}
    assert scaled == {f"model.layers.{layer}.self_attn.o_proj.weight" for layer in range(4)}


@cases(
    ("dtype", "out_dtype", "written", "is_copy"),
    [
        (None, None, "BF16", True),
        ("F32", None, "F32", False),
        ("F32", "BF16", "BF16", True),
        ("F16", "BF16", "BF16", False),
    ],
)
def test_casts(models, dtype, out_dtype, written, is_copy):
    stack = stack_of(models["bf16"], models["bf16"], dtype=dtype, out_dtype=out_dtype)
    tensor = by_name(stack)["model.norm.weight"]
    assert (tensor.dtype, tensor.is_copy) == (written, is_copy)


def test_a_prefix_that_differs_follows_the_config_donor(tmp_path, models):
    shapes = {name.removeprefix("model."): tensor.shape for name, tensor in models["untied"].tensors.items()}
    bare = write_llama(tmp_path / "bare", layers=4)
    write_weights(bare, shapes)
    first, other = models["untied"], opener()(str(bare))
    stack = Stack((Visit.whole(first, 0, 0), Visit.whole(other, 1, 0)), Donor(first), Donor(other), first)
    assert {"model.layers.1.mlp.up_proj.weight", "model.norm.weight", "lm_head.weight"} <= set(by_name(stack))


def test_cost_and_picture_follow_the_stack(models):
    checkpoint = models["untied"]
    base, grown = (stack_of(checkpoint, checkpoint, layers) for layers in ((0, 1, 2, 3), (0, 1, 2, 3, 3)))
    layer = sum(tensor.nbytes for tensor in checkpoint.layer_tensors(3))
    assert cost_of(base).nbytes == checkpoint.nbytes
    assert cost_of(grown).nbytes == checkpoint.nbytes + layer
    assert cost_of(base).kv_bytes_per_token == 4 * 2 * 2 * 4 * 2
    assert (
        picture(Stack((*base.visits, Visit.whole(checkpoint, 3, 1)), base.embedding, base.head, checkpoint)) == "0000X"
    )
