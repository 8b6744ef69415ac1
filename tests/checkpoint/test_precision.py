"""What `dtype` casts: the floats that a checkpoint stores as it stores most of its decoder, and nothing else."""

from pathlib import Path

from engine.checkpoint.checkpoint import precision_of
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.safetensors_header import TYPES
from tests.cases import cases

MATRIX = "model.layers.0.mlp.down_proj.weight"
BIAS = "model.layers.0.mlp.gate.e_score_correction_bias"


def stored(name, dtype, elements=64, rows=8):
    shape = (rows, elements // rows) if elements > rows else (elements,)
    return StoredTensor(name, dtype, shape, Path("a"), 0, elements * TYPES[dtype].nbytes)


def test_the_main_dtype_is_that_of_most_bytes():
    tensors = [stored(MATRIX, "BF16", 256), stored("lm_head.weight", "F32", 64)]
    assert precision_of(tensors).main == "BF16"
    assert precision_of(tensors[1:]).main == "F32"
    assert precision_of([stored(MATRIX, "I32")]).main is None


def test_scales_do_not_decide_how_a_quantised_checkpoint_is_stored():
    tensors = [
        stored(MATRIX, "F8_E4M3", 4096),
        stored(f"{MATRIX}_scale_inv", "F32", 1024),
        stored("model.norm.weight", "BF16", 8),
    ]
    assert precision_of(tensors).main == "BF16"


@cases("dtype", ["F32", "F16", "F64"])
def test_what_is_stored_otherwise_than_most_is_kept(dtype):
    precision = precision_of([stored(MATRIX, "BF16", 256)])
    assert precision.keeps(stored("model.layers.0.mlp.gate.weight", dtype))
    assert not precision.keeps(stored("model.layers.0.mlp.gate.weight", "BF16"))


@cases("name", [BIAS, "model.layers.0.mlp.expert_bias", "layers.3.moe_statics.e_score_correction_bias"])
def test_correction_biases_are_kept_whatever_the_rest_is_stored_in(name):
    assert precision_of([stored(MATRIX, "F32")]).keeps(stored(name, "F32", 8))


@cases("name", ["weight_scale", "weight_scale_inv", "weight_scale_2", "input_scale", "scales", "weight.absmax"])
def test_scales_are_kept_where_weights_are_quantised_and_cast_where_they_are_plain_weights(name):
    tensor = stored(f"model.layers.0.mlp.down_proj.{name}", "BF16", 8)
    assert precision_of([stored(MATRIX, "F8_E4M3"), stored("lm_head.weight", "BF16")]).keeps(tensor)
    assert not precision_of([stored(MATRIX, "BF16")]).keeps(tensor)
