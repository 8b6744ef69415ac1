"""Whatever a plan says, what is merged is what the reference computes from the same text."""

import tempfile
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given, settings
from safetensors.torch import load_file

from engine.tasks.merge import MergeOptions, merge
from tests.plan.mergekit_semantics import tensors_of
from tests.plan.plans import stack_of, write_models
from tests.plan.random_plans import LAYERS, plans


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    shape = {"layers": LAYERS, "hidden": 4, "intermediate": 6, "vocab": 8}
    return write_models(tmp_path_factory.mktemp("models"), {"A": shape, "B": shape})


@settings(max_examples=settings.default.max_examples // 4)  # each is a merge
@given(plans())
def test_a_merged_plan_holds_the_tensors_of_the_reference(models, plan):
    text = yaml.safe_dump(plan)
    expected = tensors_of(plan, {name: load_file(f"{path}/model.safetensors") for name, path in models.items()})
    with tempfile.TemporaryDirectory() as directory:
        merge(stack_of(models, text), text, Path(directory, "out"), MergeOptions(load_check=False))
        found = load_file(Path(directory, "out/model.safetensors"))
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=0, msg=name)
