import json
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import parse_config
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.residual import gain_offset, norms_after, residual_writers
from engine.errors import CheckpointError
from tests.architectures import FAMILIES, CheckpointOf, every_family
from tests.cases import cases


def one_layer(shapes: dict[str, tuple[int, ...]], dtype: str = "F32", **keys: Any) -> Checkpoint:
    """A checkpoint of one layer and hidden size 8 that exists only as headers."""
    config = parse_config(json.dumps({"num_hidden_layers": 1, "hidden_size": 8, **keys}), Path("config.json"))
    names = {f"model.layers.0.{suffix}": shape for suffix, shape in shapes.items()}
    tensors = {name: StoredTensor(name, dtype, shape, Path("m"), 0, 0) for name, shape in names.items()}
    return Checkpoint("tiny", Path(), config, tensors)


ATTENTION = {"self_attn.q_proj.weight": (8, 8), "self_attn.o_proj.weight": (8, 8)}
MLP = {"mlp.up_proj.weight": (16, 8), "mlp.down_proj.weight": (8, 16)}


@cases(
    ("shapes", "wanted"),
    [
        (ATTENTION | MLP, {"self_attn.o_proj.weight", "mlp.down_proj.weight"}),
        ({"self_attn.o_proj.weight": (8, 8), "self_attn.o_proj.bias": (8,)} | MLP, None),
        ({"attn.c_attn.weight": (8, 24), "attn.c_proj.weight": (8, 8), "attn.c_proj.bias": (8,)}, None),
        ({"mlp.w1.weight": (16, 8), "mlp.w2.weight": (16, 8), "mlp.c_proj.weight": (8, 16)}, {"mlp.c_proj.weight"}),
        ({"block_sparse_moe.gate.weight": (2, 8), "block_sparse_moe.experts.0.w2.weight": (8, 16)}, None),
        (
            {"mlp.experts.down_proj": (2, 16, 8), "mlp.experts.down_proj_bias": (2, 8), "mlp.router.weight": (2, 8)},
            None,
        ),
        ({"self_attn.out_proj.weight": (8, 8), "fc1.weight": (16, 8), "fc2.weight": (8, 16), "fc2.bias": (8,)}, None),
        ({"mamba.in_proj.weight": (16, 8), "mamba.out_proj.weight": (8, 16)}, {"mamba.out_proj.weight"}),
    ],
)
def test_what_writes_is_told_by_name_and_shape(shapes: dict[str, tuple[int, ...]], wanted: set[str] | None) -> None:
    reads = ("up_proj", "q_proj", "gate", "router", "fc1", "c_attn")
    wanted = wanted or {suffix for suffix in shapes if not any(word in suffix for word in reads)}
    assert set(residual_writers(one_layer(shapes), 0)) == wanted


@cases(
    "shapes",
    [
        ATTENTION | {"mlp.weird.weight": (8, 16)},
        ATTENTION | MLP | {"mlp.shared_expert.weird.weight": (8, 16)},
        ATTENTION | MLP | {"altup.correct_output_scale": (8,)},
        ATTENTION | MLP | {"attn_hc.fn": (4, 8)},
        {"self_attn.o_proj.weight": (16, 8)},
    ],
)
def test_what_is_not_understood_is_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(CheckpointError, match="not understood"):
        residual_writers(one_layer(shapes), 0)


def test_quantised_writers_are_refused() -> None:
    with pytest.raises(CheckpointError, match="I8"):
        residual_writers(one_layer(ATTENTION, dtype="I8"), 0)


@pytest.mark.parametrize("family", every_family())
def test_every_family_is_understood_in_all_its_layers(family: str, checkpoint_of: CheckpointOf) -> None:
    checkpoint = open_checkpoint(checkpoint_of(family))
    for layer in range(checkpoint.layer_count):
        assert len(residual_writers(checkpoint, layer)) >= 2


@pytest.mark.parametrize("family", every_family())
def test_norms_stand_behind_where_the_stream_takes_their_output(family: str, checkpoint_of: CheckpointOf) -> None:
    checkpoint = open_checkpoint(checkpoint_of(family))
    added = [name for name in FAMILIES[family].adds if "norm" in name]
    behind = norms_after(checkpoint, 0)
    assert {norm.rpartition(".")[0] for norms in behind.values() for norm in norms} == set(added)
    assert not behind or set(behind) == set(residual_writers(checkpoint, 0))


def test_only_gemma_stores_its_gains_less_one(checkpoint_of: CheckpointOf) -> None:
    offsets = {family: gain_offset(open_checkpoint(checkpoint_of(family))) for family in ("gemma2", "gemma3", "olmo2")}
    assert offsets == {"gemma2": 1.0, "gemma3": 1.0, "olmo2": 0.0}
