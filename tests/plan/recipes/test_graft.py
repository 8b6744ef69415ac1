"""Grafts: tensors of one checkpoint in another, as mergekit's `linear` with weights 0 and 1."""

from pathlib import Path

import pytest
import torch

import dlec
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.plan.recipes import graft
from tests.comparison.weights import base, opened, tensors_in


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return base(tmp_path / "M")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return base(tmp_path / "other", seed=4)


def merged(text: str, tmp_path: Path) -> dict[str, torch.Tensor]:
    dlec.merge(text, tmp_path / "out", load_check=False)
    return tensors_in(tmp_path / "out")


def assert_taken(result: dict[str, torch.Tensor], model: Path, other: Path, taken: set[str]) -> None:
    ours, theirs = tensors_in(model), tensors_in(other)
    assert result.keys() == ours.keys()
    differ = {name for name, tensor in result.items() if not torch.equal(tensor, ours[name])}
    assert differ == taken
    assert all(torch.equal(result[name], theirs[name]) for name in taken)


def test_chosen_tensors_of_chosen_layers_come_from_the_other_checkpoint(
    model: Path, other: Path, tmp_path: Path
) -> None:
    options = graft.Options(opened(other), ((0, 2), (4, 5)), ("o_proj", "post_attention_layernorm"))
    result = merged(graft.write(opened(model), options), tmp_path)
    names = ("self_attn.o_proj.weight", "post_attention_layernorm.weight")
    assert_taken(result, model, other, {f"model.layers.{layer}.{name}" for layer in (0, 1, 4) for name in names})


def test_the_card_names_what_is_grafted(model: Path, other: Path, tmp_path: Path) -> None:
    merged(graft.write(opened(model), graft.Options(opened(other), ((4, 5),), ("o_proj", "k_proj"))), tmp_path)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Layer 4 takes self_attn.k_proj, self_attn.o_proj from layer 4 of `other`." in card


def test_whole_layers_leave_embeddings_and_head_alone(model: Path, other: Path, tmp_path: Path) -> None:
    result = merged(graft.write(opened(model), graft.Options(opened(other), ((0, 1), (5, 6)))), tmp_path)
    expected = {name for name in result if name.startswith(("model.layers.0.", "model.layers.5."))}
    assert_taken(result, model, other, expected)


def test_cells_may_differ_from_layer_to_layer(model: Path, other: Path, tmp_path: Path) -> None:
    cells = {1: frozenset({"mlp.up_proj.weight"}), 2: frozenset({"self_attn.k_proj.weight", "mlp.up_proj.weight"})}
    result = merged(graft.write_cells(opened(model), opened(other), cells), tmp_path)
    assert_taken(
        result, model, other, {f"model.layers.{layer}.{name}" for layer, names in cells.items() for name in names}
    )


@pytest.mark.slow
@pytest.mark.parametrize("tensors", [(), ("q_proj", "mlp")])
def test_the_preview_of_a_graft_is_the_merged_checkpoint(
    model: Path, other: Path, tmp_path: Path, tensors: tuple[str, ...]
) -> None:
    from transformers import AutoModelForCausalLM

    text = graft.write(opened(model), graft.Options(opened(other), ((2, 4),), tensors))
    merged(text, tmp_path)
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    virtual = dlec.load(text, dtype="float32")
    tokens = torch.arange(12)[None]
    assert torch.equal(virtual(tokens).logits, written(tokens).logits)


def test_grafts_that_do_not_fit_are_refused(model: Path, other: Path, tmp_path: Path) -> None:
    wide, deep = base(tmp_path / "wide", hidden=48), base(tmp_path / "deep", layers=8)
    for giver, reason in ((wide, "is .* there, .* here"), (deep, "M has 6 layers, .*deep has 8")):
        with pytest.raises(UsageError, match=f"cannot be grafted into .*: .*{reason}"):
            graft.write(opened(model), graft.Options(opened(giver)))
    with pytest.raises(UsageError, match="layer 0 has no tensor wq"):
        graft.write(opened(model), graft.Options(opened(other), ((0, 1),), ("wq",)))
    with pytest.raises(UsageError):
        graft.write(opened(model), graft.Options(opened(other), ((4, 9),)))


# The plan as written by hand

PLAN = """merge_method: linear
base_model: M
slices:
  - sources:
      - {{model: M, layer_range: [0, 6], parameters: {{weight: [{{filter: {filter}, value: 0.0}}, {{value: 1.0}}]}}}}
      - {{model: O, layer_range: {range}, parameters: {{weight: [{{filter: {filter}, value: 1.0}}, {{value: 0.0}}]}}}}
"""


def problems(text: str, model: Path, other: Path) -> list[tuple[str, str]]:
    checkpoints: dict[str, Checkpoint] = {"M": opened(model), "O": opened(other)}
    return [
        (each.rule, each.message)
        for each in check_plan(text, checkpoints.__getitem__).problems
        if each.severity == "error"
    ]


@pytest.mark.parametrize(
    ("pattern", "layers", "message"),
    [
        ("wq", "[0, 6]", "the filter wq matches no tensor of layer 0 of O"),
        ("norm", "[0, 6]", "a filter also matches model.norm.weight, which is outside the layers"),
        ("o_proj", "[2, 8]", "[2, 8] is outside O, which has 6 layers"),
    ],
)
def test_a_graft_that_does_not_fit_is_an_error_of_the_plan(
    model: Path, other: Path, pattern: str, layers: str, message: str
) -> None:
    assert ("grafts", message) in problems(PLAN.format(filter=pattern, range=layers), model, other)


def test_layers_may_come_from_other_numbers(model: Path, other: Path) -> None:
    text = PLAN.format(filter="o_proj", range="[3, 5]").replace("[0, 6]", "[0, 2]")
    checkpoints = {"M": opened(model), "O": opened(other)}
    stack = check_plan(text, checkpoints.__getitem__).require_stack()
    assert [[(part.layer, part.suffixes) for part in visit.parts][1] for visit in stack.visits] == [
        (3, ("self_attn.o_proj.weight",)),
        (4, ("self_attn.o_proj.weight",)),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value: 0.0}, {value: 1.0", "value: 0.5}, {value: 1.0"),
        ("value: 1.0}, {value: 0.0", "value: 1.0}, {value: 0.5"),
    ],
)
def test_weights_that_mix_are_still_refused(model: Path, other: Path, old: str, new: str) -> None:
    text = PLAN.format(filter="o_proj", range="[0, 6]").replace(old, new)
    assert "merge-method" in {rule for rule, _ in problems(text, model, other)}
