"""Origins of stacks, recovered from their weights."""

import re
import shutil
from pathlib import Path

import pytest
import torch

import dlec
from engine.comparison.origin import Evidence, Origin, origin, plan_by_weights
from engine.errors import CheckpointError
from tests.comparison.weights import base, changed, opened, rewrite, tensors_in, trained
from tests.plan.samples import BASE, DIRECTORY, TUNED

ZEROED = "parameters: {scale: [{filter: o_proj, value: 0.0}, {filter: down_proj, value: 0.0}, {value: 1.0}]}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return base(tmp_path / "M")


def merged(tmp_path: Path, *slices: str, name: str = "stack") -> Path:
    text = "merge_method: passthrough\nslices:\n" + "\n".join(f"  - sources: [{each}]" for each in slices) + "\n"
    dlec.merge(text, tmp_path / name, load_check=False)
    return tmp_path / name


def slice_(model: Path, start: int, end: int, more: str = "") -> str:
    return f"{{model: {model}, layer_range: [{start}, {end}]{', ' + more if more else ''}}}"


def found(stack: Path, *bases: Path) -> Origin:
    return origin(opened(stack), [opened(each) for each in bases])


def sources(result: Origin) -> list[int | None]:
    return [layer.source.layer if layer.source else None for layer in result.layers]


def assert_reproduces(result: Origin, stack: Path, tmp_path: Path) -> None:
    """A merge of the recovered plan writes the same tensors."""
    assert result.is_exact
    dlec.merge(result.plan, tmp_path / "again", load_check=False)
    ours, theirs = tensors_in(tmp_path / "again"), tensors_in(stack)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name].view(torch.uint8), theirs[name].view(torch.uint8)) for name in ours)


def test_a_stack_of_copies_is_read_off_and_made_again(model: Path, tmp_path: Path) -> None:
    stack = merged(tmp_path, slice_(model, 0, 4), slice_(model, 2, 6, ZEROED), slice_(model, 2, 6))
    result = found(stack, model)
    assert sources(result) == [0, 1, 2, 3, 2, 3, 4, 5, 2, 3, 4, 5]
    assert {layer.evidence for layer in result.layers} == {Evidence.IDENTICAL}
    assert min(layer.margin for layer in result.layers) > 0.5
    assert result.layers[4].scales == {"mlp.down_proj.weight": 0.0, "self_attn.o_proj.weight": 0.0}
    assert_reproduces(result, stack, tmp_path)


@pytest.mark.parametrize("factor", [0.5, 0.7071067812, 0.85, -1.0, 1.25, 1 / 3])
@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
def test_the_factor_of_a_scaled_copy_is_recovered(tmp_path: Path, factor: float, dtype: str) -> None:
    model = base(tmp_path / "M", dtype=dtype)
    scale = f"parameters: {{scale: [{{filter: down_proj, value: {factor:.10g}}}, {{value: 1.0}}]}}"
    stack = merged(tmp_path, slice_(model, 0, 6), slice_(model, 4, 6, scale))
    result = found(stack, model)
    assert dict(result.layers[6].scales) == {"mlp.down_proj.weight": pytest.approx(factor, rel=1e-4)}
    assert_reproduces(result, stack, tmp_path)


def test_layers_of_two_models_are_told_apart(model: Path, tmp_path: Path) -> None:
    other = base(tmp_path / "other", seed=5)
    stack = merged(tmp_path, slice_(model, 0, 4), slice_(other, 1, 4), slice_(model, 3, 6))
    result = found(stack, other, model)
    assert [Path(layer.source.base.reference).name for layer in result.layers if layer.source] == [
        *["M"] * 4,
        *["other"] * 3,
        *["M"] * 3,
    ]
    assert_reproduces(result, stack, tmp_path)


def test_shuffled_layers_are_put_in_order(model: Path, tmp_path: Path) -> None:
    order = [3, 0, 5, 1, 4, 2]
    stack = merged(tmp_path, *(slice_(model, layer, layer + 1) for layer in order))
    assert sources(found(stack, model)) == order


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_a_trained_stack_is_recognised_with_a_margin(model: Path, tmp_path: Path, noise: float) -> None:
    stack = trained(
        merged(tmp_path, slice_(model, 0, 4), slice_(model, 2, 6, ZEROED), slice_(model, 2, 6)), tmp_path / "t", noise
    )
    result = found(stack, model)
    assert sources(result) == [0, 1, 2, 3, 2, 3, 4, 5, 2, 3, 4, 5]
    assert {layer.evidence for layer in result.layers} == {Evidence.CORRELATION}
    assert min(layer.margin for layer in result.layers) > 0.3
    assert not result.is_exact
    assert result.unexplained == ()
    assert set(result.changed) == {"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"}
    assert "layer_range: [2, 6]" in result.plan


def test_a_layer_of_which_one_tensor_was_changed_says_which(model: Path, tmp_path: Path) -> None:
    tensors = tensors_in(model)
    name = "model.layers.3.mlp.up_proj.weight"
    tensors[name][7, 7] += 1
    stack = changed(model, tmp_path / "stack", {name: tensors[name], "model.norm.weight": torch.ones(32)})
    result = found(stack, model)
    assert not result.is_exact
    assert (result.layers[3].evidence, result.layers[3].changed) == (Evidence.PARTLY_IDENTICAL, ("mlp.up_proj.weight",))
    assert result.unexplained == ("model.norm.weight",)


def test_another_model_is_no_stack(model: Path, tmp_path: Path) -> None:
    stranger = base(tmp_path / "stranger", seed=9)
    result = found(stranger, model)
    assert {layer.evidence for layer in result.layers} == {Evidence.NONE}
    assert result.plan == ""
    assert len(result.unexplained) == len(tensors_in(stranger))
    with pytest.raises(CheckpointError, match=r"stranger is not a stack of .*M: 6 of its 6 layers correlate"):
        plan_by_weights(opened(stranger), opened(model))


def test_of_equal_layers_the_one_that_continues_is_taken(model: Path, tmp_path: Path) -> None:
    tensors = tensors_in(model)
    twin = {
        name.replace("layers.4.", "layers.1."): each.clone() for name, each in tensors.items() if "layers.4." in name
    }
    rewrite(model, tensors | twin)
    assert sources(found(merged(tmp_path, slice_(model, 0, 6)), model)) == [0, 1, 2, 3, 4, 5]


def test_a_cast_is_a_copy_in_another_dtype(model: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    shutil.copytree(model, wide)
    rewrite(wide, {name: tensor.float() for name, tensor in tensors_in(model).items()})
    result = found(wide, model)
    assert {layer.evidence for layer in result.layers} == {Evidence.IDENTICAL}
    assert "dtype: float32" in result.plan


@pytest.mark.parametrize("sample", sorted(DIRECTORY.glob("*.yaml")), ids=lambda sample: sample.stem)
def test_every_sample_plan_is_recovered(sample: Path, models: dict[str, Path], tmp_path: Path) -> None:
    text = sample.read_text()
    for name, directory in models.items():
        text = re.sub(rf"{name}(?=\s|$)", str(directory), text, flags=re.MULTILINE)
    dlec.merge(text, tmp_path / "stack", load_check=False)
    result = found(tmp_path / "stack", *models.values())
    if sample.stem == "graft":
        assert "layer_range: [0, 0]  # embeddings" in result.plan
    assert_reproduces(result, tmp_path / "stack", tmp_path)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models of 30 layers in the place of those that the sample plans name."""
    directory = tmp_path_factory.mktemp("models")
    return {
        reference: base(directory / str(seed), layers=30, seed=seed, hidden=16)
        for seed, reference in enumerate((BASE, TUNED))
    }
