"""The sample plans are what the recipes write, and check without a problem."""

from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.plan.check import check_plan
from engine.plan.recipes import llama_pro, repeat
from tests.tiny import write_llama

SAMPLES = Path(__file__).parents[2] / "sample_plans"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M"

RECIPES = {
    "repeat": lambda checkpoint: repeat.write(checkpoint, repeat.Options(12, 17)),
    "llama_pro": lambda checkpoint: llama_pro.write(checkpoint, llama_pro.Options(6)),
}


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A stand-in with SmolLM2-135M's names and layer count."""
    directory = write_llama(tmp_path_factory.mktemp("hub") / "smollm2", layers=30, tied=True)
    return open_checkpoint(directory, SMOLLM2)


def test_there_is_one_sample_for_each_recipe() -> None:
    assert {file.stem for file in SAMPLES.iterdir()} == set(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_sample_is_what_its_recipe_writes(recipe: str, smollm2: Checkpoint) -> None:
    assert (SAMPLES / f"{recipe}.yaml").read_text() == RECIPES[recipe](smollm2)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_sample_checks_without_a_problem(recipe: str, smollm2: Checkpoint) -> None:
    checked = check_plan((SAMPLES / f"{recipe}.yaml").read_text(), {SMOLLM2: smollm2}.__getitem__)
    assert (checked.ok, checked.problems) == (True, ())
