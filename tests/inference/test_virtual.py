"""The proof: a virtual stack computes what the merged checkpoint computes, in every family, to the last bit."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from engine.errors import PlanError
from engine.inference.decoder_layers import layer_modules
from engine.inference.virtual import load, open_sources, virtual_model
from engine.plan.stack import Donor, Stack
from tests.architectures import LAYERS, CheckpointOf, every_family
from tests.inference.stacks import ODD_JUMP, PROMPT, generated, logits, merged, stack_of
from tests.tiny import write_llama

SCALES = {4: 0.0, 6: 0.5}


UNSCALED = ("llama-biased", "qwen3-next")
"""Families in which nothing but sharing is tried too."""


@pytest.mark.parametrize(("family", "scales"), [*every_family(SCALES), *every_family({}, always=UNSCALED)])
def test_logits_and_cached_generation_equal_the_merged_checkpoints(
    family: str, scales: dict[int, float], checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    stack = stack_of(checkpoint_of(family), scales=scales)
    ours, theirs = load(stack), merged(stack, tmp_path / "out")
    assert torch.equal(logits(ours), logits(theirs))
    tokens, stepwise = generated(ours)
    assert all(map(torch.equal, (tokens, stepwise), generated(theirs)))
    assert ours.num_parameters() == theirs.num_parameters()
    assert equals_a_full_pass(ours, tokens, stepwise)


@pytest.mark.parametrize(
    "family", every_family(always=("llama-biased", "gemma3", "gpt-oss", "deepseek-v3", "qwen3-next", "bamba", "gpt2"))
)
def test_layers_that_share_cache_slots_fail_the_comparison(family: str, checkpoint_of: CheckpointOf) -> None:
    """The mutation: every visit keeps the cache slot of its layer, and a full pass computes something else."""
    if family == "recurrent-gemma":
        pytest.skip("its modules keep their own state")
    model = load(stack_of(checkpoint_of(family), scales=SCALES))
    for module, layer in zip(layer_modules(model, len(ODD_JUMP)), ODD_JUMP, strict=True):
        for part in module.modules():
            for name in {"layer_idx", "layer_id"} & vars(part).keys():
                setattr(part, name, layer)
    try:
        tokens, stepwise = generated(model)
    except (RuntimeError, IndexError, ValueError):
        return
    assert not equals_a_full_pass(model, tokens, stepwise)


def equals_a_full_pass(model: Any, tokens: torch.Tensor, stepwise: torch.Tensor) -> bool:
    """Whether the logits of cached steps are those that one pass over the same tokens computes, up to 1e-4."""
    whole = logits(model, tokens)[:, PROMPT.shape[1] - 1 : -1]
    return torch.allclose(whole, stepwise, rtol=0.0, atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"dtype": "BF16"}, {"out_dtype": "F16"}, {"dtype": "F32"}])
@pytest.mark.parametrize("stored", ["BF16", "F16", "F32"])
def test_scales_are_rounded_as_the_merge_rounds_them(stored: str, settings: dict[str, str], tmp_path: Path) -> None:
    source = write_llama(tmp_path / "in", hidden=32, intermediate=64, vocab=64, dtype=stored)
    stack = stack_of(source, scales={4: 0.3, 6: 0.7}, **settings)
    ours, theirs = load(stack), merged(stack, tmp_path / "out")
    assert ours.dtype == theirs.dtype
    assert _differing(ours, theirs) == []


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("family", ["llama", "qwen3-moe", "gemma2"])
def test_opened_in_another_dtype_it_still_equals_the_merged_checkpoint(
    family: str, dtype: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    stack = stack_of(checkpoint_of(family), scales={4: 0.3})
    assert _differing(load(stack, dtype=dtype), merged(stack, tmp_path / "out", dtype)) == []


def _differing(ours: Any, theirs: Any) -> list[str]:
    expected = theirs.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    return [name for name, tensor in ours.state_dict().items() if not torch.equal(tensor, expected[name])]


@pytest.mark.parametrize("family", ["llama-biased", "gemma2", "mixtral", "gpt2", "deepseek-v3"])
def test_weights_are_shared_unless_the_plan_scales_them(family: str, checkpoint_of: CheckpointOf) -> None:
    stack = stack_of(checkpoint_of(family), scales={6: 0.5})
    sources = open_sources(stack)
    model = virtual_model(stack, sources)
    (source,) = sources.values()
    ours, theirs = layer_modules(model, len(ODD_JUMP)), layer_modules(source, LAYERS)
    for place, layer in enumerate(ODD_JUMP):
        own = _own_parameters(ours[place], theirs[layer])
        assert bool(own) == (place == 6)
        assert not any(name.endswith(("q_proj.weight", "up_proj.weight", "gate_up_proj")) for name in own)
    outside = {parameter.data_ptr() for parameter in model.parameters()}
    assert {parameter.data_ptr() for parameter in source.parameters()} <= outside


def _own_parameters(ours: Any, theirs: Any) -> list[str]:
    shared = dict(theirs.named_parameters())
    return [name for name, mine in ours.named_parameters() if mine.data_ptr() != shared[name].data_ptr()]


def test_every_place_has_a_parameter_object_of_its_own(checkpoint_of: CheckpointOf) -> None:
    model = load(stack_of(checkpoint_of("llama")))
    layers = layer_modules(model, len(ODD_JUMP))
    assert layers[2].mlp.up_proj.weight is not layers[5].mlp.up_proj.weight
    assert layers[2].mlp.up_proj.weight.data_ptr() == layers[5].mlp.up_proj.weight.data_ptr()


def test_tied_embeddings_stay_tied(checkpoint_of: CheckpointOf) -> None:
    model = load(stack_of(checkpoint_of("llama-biased")))
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("tied", [(True, True), (True, False), (False, True)])
def test_ends_of_two_checkpoints_come_from_where_the_merge_takes_them(tied: tuple[bool, bool], tmp_path: Path) -> None:
    sizes = {"hidden": 32, "intermediate": 64, "vocab": 64}
    one = write_llama(tmp_path / "one", **sizes, tied=tied[0], seed=1)
    two = write_llama(tmp_path / "two", **sizes, tied=tied[1], seed=2)
    first, second = stack_of(one, (0, 1, 2)), stack_of(two, (3, 4, 5))
    stack = Stack(first.visits + second.visits, first.embedding, second.head, first.config_donor)
    ours, theirs = load(stack), merged(stack, tmp_path / "out")
    assert _differing(ours, theirs) == []
    assert torch.equal(logits(ours), logits(theirs))


def test_a_scale_that_reaches_the_embeddings_is_kept(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    stack = stack_of(checkpoint_of("llama-biased"))
    donor = Donor(stack.config_donor, ((("embed_tokens", 0.3),),))
    stack = Stack(stack.visits, donor, donor, stack.config_donor)
    ours, theirs = load(stack), merged(stack, tmp_path / "out")
    assert _differing(ours, theirs) == []
    assert ours.get_output_embeddings().weight is ours.get_input_embeddings().weight


def test_the_python_door_takes_a_path_or_a_text(
    checkpoint_of: CheckpointOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = _plan_text(checkpoint_of("llama"), [(0, 4), (1, 6)])
    (tmp_path / "plan.yml").write_text(text)
    monkeypatch.chdir(tmp_path)
    models = [load(Path("plan.yml")), load("plan.yml"), load(text)]
    assert all(torch.equal(logits(model), logits(models[0])) for model in models)


def test_the_example_of_the_python_door_runs_as_printed(
    checkpoint_of: CheckpointOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.yml").write_text(_plan_text(checkpoint_of("llama"), [(0, 4), (2, 6)]))
    monkeypatch.chdir(tmp_path)
    import doctest

    (example,) = doctest.DocTestFinder(recurse=False).find(load, "load", globs={"load": load, "torch": torch})
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def _plan_text(source: Path, ranges: list[tuple[int, int]]) -> str:
    slices = [{"sources": [{"model": str(source), "layer_range": list(layers)}]} for layers in ranges]
    return yaml.safe_dump({"slices": slices, "merge_method": "passthrough"})


def test_a_plan_with_problems_is_refused_with_their_places(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(PlanError, match=r"line \d+"):
        load(_plan_text(checkpoint_of("llama"), [(0, 9)]))


@pytest.mark.real_model
@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.stress), "bfloat16"])
def test_a_real_model_grows_without_more_memory_and_equals_the_merged_one(
    dtype: str, smollm2: Path, tmp_path: Path
) -> None:
    stack = stack_of(smollm2, [*range(15), *range(9, 30)], {16: 0.3})
    sources = open_sources(stack, dtype)
    ours, theirs = virtual_model(stack, sources), merged(stack, tmp_path / "out", getattr(torch, dtype))
    assert torch.equal(logits(ours), logits(theirs))
    assert all(map(torch.equal, generated(ours, 4), generated(theirs, 4)))
    shared = {parameter.data_ptr() for parameter in sources[stack.config_donor].parameters()}
    own = [name for name, parameter in ours.named_parameters() if parameter.data_ptr() not in shared]
    assert own == [f"model.layers.16.{name}.weight" for name in ("self_attn.o_proj", "mlp.down_proj")]


def rename(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"_orig_mod.{name}": tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("family", ["llama", "qwen3-moe"])
def test_names_of_a_training_wrapper_change_nothing(family: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    """Neither what is merged and previewed nor what it computes; the new model has the names of its class."""
    source = shutil.copytree(checkpoint_of(family), tmp_path / "source")
    save_file(rename(load_file(source / "model.safetensors")), source / "model.safetensors", {"format": "pt"})
    ours, theirs = load(stack_of(source, scales=SCALES)), merged(stack_of(source, scales=SCALES), tmp_path / "out")
    plain = load(stack_of(checkpoint_of(family), scales=SCALES))
    assert torch.equal(logits(ours), logits(theirs))
    assert torch.equal(logits(ours), logits(plain))


def test_shards_without_an_index_are_previewed_as_with_one(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    source = shutil.copytree(checkpoint_of("llama"), tmp_path / "source")
    (source / "model.safetensors").rename(source / "model-00001-of-00001.safetensors")
    assert torch.equal(logits(load(stack_of(source))), logits(load(stack_of(checkpoint_of("llama")))))
