"""The sample plans are what the recipes write, say what the rules say of them, and merge into models that load."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import Checkpoint
from engine.inference import loadcheck
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.problems import Severity
from engine.plan.recipes.registry import MEASURED, RECIPES
from engine.tasks.merge import MergeOptions, merge
from engine.tasks.verify import verify
from tests.cases import cases
from tests.plan.samples import DIRECTORY, sample_texts, stand_ins

SAMPLES = {file.stem: file.read_text() for file in sorted(DIRECTORY.iterdir())}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    return stand_ins(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def checked(checkpoints: Mapping[str, Checkpoint]) -> dict[str, CheckedPlan]:
    return {name: check_plan(text, checkpoints.__getitem__) for name, text in SAMPLES.items()}


def test_there_is_one_sample_for_each_recipe() -> None:
    assert set(SAMPLES) == {*RECIPES, *MEASURED}


def test_samples_are_what_their_recipes_write_headed_by_exactly_their_warnings(
    checkpoints: Mapping[str, Checkpoint],
) -> None:
    """`python -m tests.plan.samples` writes them anew."""
    assert sample_texts(checkpoints) == SAMPLES


@cases("name", SAMPLES)
def test_a_sample_has_no_error_and_nothing_to_note(name: str, checked: Mapping[str, CheckedPlan]) -> None:
    assert checked[name].ok
    assert not [problem for problem in checked[name].problems if problem.severity is Severity.NOTE]


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_merges_into_a_whole_checkpoint_that_loads(
    name: str, checked: Mapping[str, CheckedPlan], tmp_path: Path
) -> None:
    plan, out = checked[name], tmp_path / "new"
    assert plan.stack
    merge(plan.stack, plan.text, out, MergeOptions(load_check=False))
    found = verify(out, load_check=False)
    assert (found.ok, found.layers) == (True, len(plan.stack.visits)), found
    visits = [(str(visit.checkpoint.directory), visit.layer) for visit in plan.stack.visits]
    opened = loadcheck.check({"directory": str(out), "visits": visits})  # here: a process for each would take minutes
    assert opened["architecture"] == "LlamaForCausalLM"
    assert not any(opened[key] for key in ("missing", "unexpected", "mismatched", "differences"))
