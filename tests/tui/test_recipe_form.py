"""Recipes as forms: made from each recipe's own options."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.panes.plan import PlanPane
from dlec_tui.plans import recipe_forms
from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.edits import slices_of
from engine.plan.recipes.registry import RECIPES
from tests.tui.conftest import settled
from tests.tui.plan_pane import checked, model_in, planned

STORE = Path("nowhere/dlec.sqlite")


def values_of(name: str, model: str, given: dict[str, str] | None = None) -> dict[str, str]:
    """As the form shows them, but for what is given."""
    fields = recipe_forms.form_fields(name, model, opener()(model))
    return {field.name: field.value for field in fields} | (given or {})


@pytest.mark.parametrize("name", recipe_forms.NAMES)
def test_every_field_says_what_it_means(name: str) -> None:
    fields = list(recipe_forms.form_fields(name, "", None))
    assert all(field.explanation for field in fields)
    assert recipe_forms.summary_of(name)


@pytest.mark.parametrize(
    "name", [name for name in RECIPES if not any(field.is_required for field in RECIPES[name].fields)]
)
def test_a_form_as_it_stands_makes_a_plan(tmp_path: Path, name: str) -> None:
    model = str(model_in(tmp_path))
    form = recipe_forms.filled(name, values_of(name, model))
    assert slices_of(recipe_forms.write(form, opener(), STORE))


def test_what_is_typed_is_taken(tmp_path: Path) -> None:
    model = str(model_in(tmp_path))
    given = {"option-layers": "1:3", "option-times": "2"}
    text = recipe_forms.write(recipe_forms.filled("repeat", values_of("repeat", model, given)), opener(), STORE)
    assert [(view.start, view.end) for view in slices_of(text)] == [(0, 3), (1, 3), (1, 6)]


@pytest.mark.parametrize("given", [{"option-times": "twice"}, {"option-layers": "9"}, {"model": " "}])
def test_what_cannot_be_read_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        recipe_forms.filled("repeat", values_of("repeat", str(model_in(tmp_path)), given))


def test_a_measured_recipe_becomes_a_job_with_all_its_options(tmp_path: Path) -> None:
    model = str(model_in(tmp_path))
    form = recipe_forms.filled("dlec", values_of("dlec", model, {"option-layers": "2", "option-protect_first": "1"}))
    spec = recipe_forms.spec_for(form, opener(), tmp_path / "dlec.sqlite")
    assert spec.task == "propose"
    assert (spec.request["layers"], spec.request["protect_first"]) == (2, 1)
    assert spec.inputs


def test_a_budget_that_cannot_be_met_is_refused_before_it_is_queued(tmp_path: Path) -> None:
    form = recipe_forms.filled("dlec", values_of("dlec", str(model_in(tmp_path)), {"option-layers": "40"}))
    with pytest.raises(UsageError, match="cannot be added"):
        recipe_forms.spec_for(form, opener(), tmp_path / "dlec.sqlite")


def test_a_recipe_writes_a_new_plan_from_the_pane(store: Path, tmp_path: Path) -> None:
    model = str(model_in(tmp_path))

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        pane.workbench.reference = model
        await pane.workbench.perform(next(action for action in pane.offers() if "repeat" in action.name))
        await settled(pilot)
        await pilot.press("tab", *"1", "colon", "5", "enter")
        await checked(pilot, pane)
        assert [(row.view.start, row.view.end) for row in pane.view.list.items] == [(0, 5), (1, 6)]

    planned(store, None, play)


def test_what_a_recipe_refuses_is_asked_again_as_it_was_filled_in(store: Path, tmp_path: Path) -> None:
    model = str(model_in(tmp_path))

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        pane.workbench.reference = model
        pane.action_new_by("repeat")
        await settled(pilot)
        await pilot.press("tab", *"1", "colon", *"50", "enter")
        await settled(pilot)

    screen = planned(store, None, play)
    assert "1:50" in screen
    assert "is not a block of layers" in screen
