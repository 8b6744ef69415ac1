"""Pairing: tensors meet by their place in the model, whatever their names."""

import shutil
from pathlib import Path

import pytest
import torch

from engine.comparison.pairing import Pairs, copies, groups_of, paired, visited, visited_by_text
from engine.comparison.provenance import names, provenance_of, stack_on
from engine.comparison.sides import side_of_checkpoint, side_of_stack
from engine.errors import CheckpointError, UsageError
from tests.comparison.weights import base, changed, opened, rewrite, stack_of, tensors_in

SLICES = """merge_method: passthrough
slices:
  - sources: [{model: M, layer_range: [0, 4]}]
  - sources:
      - model: M
        layer_range: [2, 6]
        parameters: {scale: [{filter: o_proj, value: 0.0}, {filter: down_proj, value: 0.5}, {value: 1.0}]}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return base(tmp_path / "M")


def by_position(a: Path, b: Path) -> Pairs:
    return paired(side_of_checkpoint(opened(a)), side_of_checkpoint(opened(b)), {})


def test_a_checkpoint_meets_itself_completely(model: Path) -> None:
    pairs = by_position(model, model)
    assert pairs.unpaired == ()
    assert {(pair.base.stored.name, pair.place.layer) for pair in pairs.pairs} == {
        (pair.weights.stored.name, pair.base.layer) for pair in pairs.pairs
    }
    assert len(pairs.pairs) == len(tensors_in(model))


def test_prefixes_of_the_decoder_do_not_matter(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(model, other)
    rewrite(other, {f"language_model.{name}": tensor for name, tensor in tensors_in(model).items()})
    assert by_position(model, other).unpaired == ()


def test_a_plan_pairs_each_new_layer_with_its_source_and_factor(model: Path) -> None:
    checkpoint = opened(model)
    side = side_of_stack(stack_of(SLICES, checkpoint), "plan")
    pairs = paired(side_of_checkpoint(checkpoint), side, {})
    assert side.layers == 8
    by_name = {(each.layer, place.layer, place.suffix): each.factor for place, each in side.weights.items()}
    assert by_name[2, 4, "self_attn.o_proj.weight"] == 0.0
    assert by_name[2, 4, "mlp.down_proj.weight"] == 0.5
    assert by_name[2, 2, "self_attn.o_proj.weight"] == 1.0
    assert {pair.base.layer for pair in pairs.pairs if pair.place.layer == 5} == {5}


def test_groups_name_originals_and_copies(model: Path) -> None:
    stack = stack_of(SLICES, opened(model))
    groups = groups_of(visited(stack))
    assert [groups[layer] for layer in range(8)] == [
        *["single layers"] * 2,
        *["originals"] * 2,
        *["first copies"] * 2,
        *["single layers"] * 2,
    ]
    assert groups_of(visited_by_text(SLICES)) == groups
    assert groups_of([("M", 0), ("M", 1)]) == {}


def test_copies_meet_the_first_visit_of_their_layer(model: Path) -> None:
    checkpoint = opened(model)
    stack = stack_of(SLICES, checkpoint)
    pairs = copies(side_of_stack(stack, "plan"), stack)
    assert {(pair.base.layer, pair.place.layer) for pair in pairs.pairs} == {(2, 4), (3, 5)}
    assert {pair.group for pair in pairs.pairs} == {"first copies"}


def test_a_stack_without_copies_says_so(model: Path) -> None:
    stack = stack_of(SLICES.replace("[2, 6]", "[4, 6]"), opened(model))
    with pytest.raises(CheckpointError, match="no copies to compare"):
        copies(side_of_stack(stack, "plan"), stack)


def test_common_rows_of_different_vocabularies_are_compared_and_the_rest_counted(model: Path, tmp_path: Path) -> None:
    larger = torch.zeros(50, 32, dtype=torch.bfloat16)
    larger[:40] = tensors_in(model)["model.embed_tokens.weight"]
    other = changed(model, tmp_path / "other", {"model.embed_tokens.weight": larger})
    for a, b in ((model, other), (other, model)):
        pair = next(pair for pair in by_position(a, b).pairs if pair.place.suffix == "embed_tokens.weight")
        assert (pair.rows_left, pair.base.stored.shape, pair.weights.stored.shape) == (10, (40, 32), (40, 32))


def test_tensors_without_a_counterpart_are_listed_with_the_reason(model: Path, tmp_path: Path) -> None:
    tensors = tensors_in(model)
    other = changed(
        model,
        tmp_path / "other",
        {
            "model.layers.1.mlp.up_proj.weight": torch.zeros(3, 4),
            "model.layers.2.mlp.up_proj.bias": torch.zeros(0),
            "model.layers.0.self_attn.q_proj.bias": torch.zeros(4),
        },
    )
    rewrite(model, tensors | {"model.layers.2.mlp.up_proj.bias": torch.zeros(0), "model.extra": torch.zeros(2)})
    reasons = {each.name: (each.side, each.reason) for each in by_position(model, other).unpaired}
    assert reasons == {
        "model.layers.1.mlp.up_proj.weight": ("both", "A has the shape [64, 32], B has [3, 4]"),
        "model.layers.2.mlp.up_proj.bias": ("both", "it is empty"),
        "model.layers.0.self_attn.q_proj.bias": ("b", "A has no such tensor"),
        "model.extra": ("a", "B has no such tensor"),
    }


def test_checkpoints_of_different_widths_are_refused_with_both_named(model: Path, tmp_path: Path) -> None:
    other = base(tmp_path / "other", layers=3, hidden=16)
    with pytest.raises(CheckpointError, match=r"M is llama with 6 layers.* is llama with 3 layers; .* has the shape"):
        by_position(model, other)


# Experts


def experts(count: int = 3) -> dict[str, torch.Tensor]:
    shapes = {"gate_proj": (8, 4), "up_proj": (8, 4), "down_proj": (4, 8)}
    return {
        f"{expert}.{kind}": torch.arange(32.0).reshape(shape) + 100 * expert + 1000 * number
        for expert in range(count)
        for number, (kind, shape) in enumerate(shapes.items())
    }


def with_experts(model: Path, directory: Path, given: dict[str, torch.Tensor], prefix: str) -> Path:
    return changed(model, directory, {f"model.layers.0.{prefix}experts.{name}": each for name, each in given.items()})


def fused() -> dict[str, torch.Tensor]:
    one = experts()
    gates = [torch.cat([one[f"{expert}.gate_proj"], one[f"{expert}.up_proj"]]) for expert in range(3)]
    return {"gate_up_proj": torch.stack(gates), "down_proj": torch.stack([one[f"{e}.down_proj"] for e in range(3)])}


@pytest.mark.parametrize(
    ("prefix", "spelling"),
    [
        ("mlp.", {"gate_proj": "gate_proj", "up_proj": "up_proj", "down_proj": "down_proj"}),
        ("block_sparse_moe.", {"gate_proj": "w1", "up_proj": "w3", "down_proj": "w2"}),
    ],
)
def test_fused_experts_meet_single_ones_part_by_part(
    model: Path, tmp_path: Path, prefix: str, spelling: dict[str, str]
) -> None:
    single = {
        f"{name.partition('.')[0]}.{spelling[name.partition('.')[2]]}.weight": each for name, each in experts().items()
    }
    one = with_experts(model, tmp_path / "one", single, prefix)
    together = with_experts(model, tmp_path / "together", fused(), "mlp.")
    for a, b in ((one, together), (together, one)):
        pairs = by_position(a, b)
        assert pairs.unpaired == ()
        met = [pair for pair in pairs.pairs if "experts" in pair.place.suffix]
        assert len(met) == 9
        for pair in met:
            contents = [
                each.stored.file.read_bytes()[each.stored.begin : each.stored.end] for each in (pair.base, pair.weights)
            ]
            assert contents[0] == contents[1]
        assert len({pair.place.type for pair in met}) == 3


def test_experts_stored_transposed_are_listed(model: Path, tmp_path: Path) -> None:
    single = {f"{name}.weight": each for name, each in experts().items()}
    one = with_experts(model, tmp_path / "one", single, "mlp.")
    turned = {name: each.transpose(1, 2).contiguous() for name, each in fused().items()}
    pairs = by_position(one, with_experts(model, tmp_path / "turned", turned, "mlp."))
    assert len(pairs.unpaired) == 11


# The plan on record


def test_the_plan_of_a_merge_is_read_from_its_directory(model: Path, tmp_path: Path) -> None:
    import dlec

    plan = SLICES.replace("model: M", f"model: {model}")
    dlec.merge(plan, tmp_path / "out", load_check=False)
    provenance = provenance_of(tmp_path / "out")
    assert provenance is not None
    assert (provenance.text, provenance.file, list(provenance.sources)) == (plan, "mergekit_config.yml", [str(model)])
    assert names(provenance, opened(model))
    stack = stack_on(provenance, opened(model), lambda _: pytest.fail("the base is given"))
    assert [visit.layer for visit in stack.visits] == [0, 1, 2, 3, 2, 3, 4, 5]


def test_the_manifest_of_rys_is_a_plan(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rys_export_manifest.json").write_text(
        '{"source_repo_id": "org/base", "layer_indices": [0, 1, 2, 1, 2, 3]}'
    )
    provenance = provenance_of(tmp_path)
    assert provenance is not None
    stack = stack_on(provenance, opened(model), lambda _: pytest.fail("the base is given"))
    assert [visit.layer for visit in stack.visits] == [0, 1, 2, 1, 2, 3]


@pytest.mark.parametrize("text", ["not: [json", "[]", '{"layer_indices": "0,1"}', '{"layer_indices": []}'])
def test_a_manifest_that_says_nothing_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "rys_export_manifest.json").write_text(text)
    assert provenance_of(tmp_path) is None


def test_a_base_that_a_plan_of_two_models_does_not_name_is_refused(model: Path, tmp_path: Path) -> None:
    two = f"""merge_method: passthrough
slices:
  - sources: [{{model: {tmp_path / "a"}, layer_range: [0, 2]}}]
  - sources: [{{model: {tmp_path / "b"}, layer_range: [2, 4]}}]
"""
    for name in ("a", "b", "out"):
        shutil.copytree(model, tmp_path / name)
    (tmp_path / "out" / "mergekit_config.yml").write_text(two)
    provenance = provenance_of(tmp_path / "out")
    assert provenance is not None
    assert names(provenance, opened(tmp_path / "a"))
    assert not names(provenance, opened(model))
    with pytest.raises(UsageError, match=r"mergekit_config.yml does not name .*M: the plan stacks"):
        stack_on(provenance, opened(model), opened)
