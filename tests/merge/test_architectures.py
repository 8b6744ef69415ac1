"""The proof: what is merged computes what a hand-made stack of the same layers computes, in every family."""

import copy
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.find import opener
from engine.checkpoint.residual import residual_writers
from engine.inference import loadcheck
from engine.inference.decoder_layers import layer_modules
from engine.plan.check import check_plan
from engine.plan.stack import Donor, Stack, Visit
from engine.tasks.merge import MergeOptions, merge
from tests.architectures import FAMILIES, LAYERS, CheckpointOf, every_family

pytestmark = pytest.mark.slow

PLANS = {
    "odd jump": [0, 1, 2, 3, 1, 2, 2, 3, 4, 5],
    "block twice": [0, 1, 2, 3, 2, 3, 4, 5],
    "fewer": [0, 1, 3, 4, 5],
}
PER_LAYER_LISTS = ("layer_types", "no_rope_layers", "mlp_layer_types")
TOKENS = torch.randint(3, 64, (2, 28), generator=torch.Generator().manual_seed(7))
"""Longer than three sliding windows."""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def stack_of(checkpoint: Checkpoint, layers: Sequence[int], scales: dict[int, float] | None = None) -> Stack:
    """A stack of these layers; `scales` gives places of it the factor for everything that writes to the stream."""
    seen: Counter[int] = Counter()
    visits = []
    for place, layer in enumerate(layers):
        levels = ()
        if place in (scales or {}):
            names = [checkpoint.anatomy.layer_tensor(layer, suffix) for suffix in residual_writers(checkpoint, layer)]
            levels = (tuple((name, scales[place]) for name in names),)
        visits.append(Visit.whole(checkpoint, layer, seen[layer], levels))
        seen[layer] += 1
    return Stack(tuple(visits), Donor(checkpoint), Donor(checkpoint), checkpoint)


def merged(source: Path, out: Path, layers: Sequence[int], scales: dict[int, float] | None = None) -> Path:
    stack = stack_of(open_checkpoint(source), layers, scales)
    merge(stack, "slices: []\n", out, MergeOptions(load_check=False))
    return out


def loaded(directory: Path) -> Any:
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True, dtype=torch.float32)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    return model.eval()


def stacked_by_hand(source: Path, layers: Sequence[int]) -> Any:
    """The loaded source with deep copies of its layers in the order of the visits, lists gathered by hand."""
    model = loaded(source)
    config = model.config
    modules = layer_modules(model, LAYERS)
    copies = [copy.deepcopy(modules[layer], {id(config): config}) for layer in layers]
    for place, layer in enumerate(copies):
        for module in layer.modules():
            if hasattr(module, "layer_idx"):
                module.layer_idx = place
    del modules[:]
    modules.extend(copies)
    gathered = {
        key: [getattr(config, key)[layer] for layer in layers] for key in PER_LAYER_LISTS if _lists(config, key)
    }
    config.__dict__.update(gathered)
    config.__dict__[config.attribute_map.get("num_hidden_layers", "num_hidden_layers")] = len(layers)
    return model


def _lists(config: Any, key: str) -> bool:
    return isinstance(config.__dict__.get(key), list)


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found = model(TOKENS, use_cache=False).logits
    assert torch.isfinite(found).all()
    return found


@pytest.mark.parametrize(
    ("family", "plan"),
    [*((family, "odd jump") for family in FAMILIES), *every_family("block twice"), *every_family("fewer")],
)
def test_a_merged_stack_computes_what_the_layers_compute(
    family: str, plan: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    source = checkpoint_of(family)
    result = loaded(merged(source, tmp_path / "out", PLANS[plan]))
    assert torch.equal(logits(result), logits(stacked_by_hand(source, PLANS[plan])))


SLICES = st.lists(
    st.tuples(st.integers(0, LAYERS - 1), st.integers(1, LAYERS)).filter(lambda span: span[0] < span[1]),
    min_size=1,
    max_size=4,
)
VARIED = ("llama-biased", "qwen3", "gemma2", "smollm3", "gpt-oss", "cohere2")
"""Families with lists for each layer, norms behind projections, experts, biases, tied heads."""


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(VARIED), SLICES)
def test_whatever_a_plan_stacks_computes_what_the_layers_compute(
    checkpoint_of: CheckpointOf, family: str, slices: list[tuple[int, int]]
) -> None:
    source = checkpoint_of(family)
    listed = [{"sources": [{"model": str(source), "layer_range": list(span)}]} for span in slices]
    checked = check_plan(yaml.safe_dump({"merge_method": "passthrough", "slices": listed}), opener())
    assert checked.stack is not None, checked.problems
    with tempfile.TemporaryDirectory() as directory:
        merge(checked.stack, checked.text, Path(directory, "out"), MergeOptions(load_check=False))
        result = loaded(Path(directory, "out"))
    layers = [layer for span in slices for layer in range(*span)]
    assert torch.equal(logits(result), logits(stacked_by_hand(source, layers)))


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.left_out])
def test_lists_that_config_json_leaves_out_are_gathered_all_the_same(
    family: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    source = shutil.copytree(checkpoint_of(family), tmp_path / "in")
    config = json.loads((source / "config.json").read_text())
    kept = {key: value for key, value in config.items() if key not in FAMILIES[family].left_out}
    (source / "config.json").write_text(json.dumps(kept))
    result = loaded(merged(source, tmp_path / "out", PLANS["odd jump"]))
    assert torch.equal(logits(result), logits(stacked_by_hand(checkpoint_of(family), PLANS["odd jump"])))


@pytest.mark.parametrize("family", every_family())
def test_layers_scaled_to_zero_change_nothing(family: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    """Block expansion as in LLaMA Pro, https://arxiv.org/abs/2401.02415, biases and post-norms included."""
    source = checkpoint_of(family)
    layers, inserted = [0, 1, 1, 2, 3, 3, 4, 5], {2: 0.0, 5: 0.0}
    result = loaded(merged(source, tmp_path / "out", layers, inserted))
    assert torch.equal(logits(result), logits(loaded(source)))


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.adds])
def test_a_scale_multiplies_what_a_layer_adds_to_the_stream(
    family: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    source, layers, place = checkpoint_of(family), PLANS["block twice"], 4
    reference = stacked_by_hand(source, layers)
    layer = layer_modules(reference, len(layers))[place]
    for name in FAMILIES[family].adds:
        layer.get_submodule(name).register_forward_hook(_halve)
    result = loaded(merged(source, tmp_path / "out", layers, {place: 0.5}))
    torch.testing.assert_close(logits(result), logits(reference), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(logits(result), logits(stacked_by_hand(source, layers)), rtol=1e-3, atol=1e-3)


def _halve(_module: Any, _arguments: Any, output: Any) -> Any:
    return (output[0] * 0.5, *output[1:]) if isinstance(output, tuple) else output * 0.5


@pytest.mark.parametrize("family", every_family())
def test_the_load_check_finds_every_layer_to_be_what_it_was(
    family: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    source, layers = checkpoint_of(family), PLANS["odd jump"]
    out = merged(source, tmp_path / "out", layers)
    found = loadcheck.check({"directory": str(out), "visits": [[str(source), layer] for layer in layers]})
    assert not any(found[key] for key in ("missing", "unexpected", "mismatched", "differences"))


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "gemma3", "smollm3", "cohere2", "olmo3", "gpt-oss"])
def test_a_list_that_the_class_makes_up_anew_is_caught(
    family: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    """The mutation that other tools ship: the layer count changes and the family's pattern runs on."""
    source, layers = checkpoint_of(family), PLANS["fewer"]
    out = merged(source, tmp_path / "out", layers)
    config = json.loads((out / "config.json").read_text())
    for key in PER_LAYER_LISTS:
        config.pop(key, None)
    (out / "config.json").write_text(json.dumps(config))
    found = loadcheck.check({"directory": str(out), "visits": [[str(source), layer] for layer in layers]})
    assert any("differs from layer" in difference for difference in found["differences"])
    assert not torch.equal(logits(loaded(out)), logits(stacked_by_hand(source, layers)))
