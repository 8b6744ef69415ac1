"""Everything that can be done, found by its name."""

from pathlib import Path

import pytest

from dlec_tui.actions.registry import ACTIONS
from dlec_tui.main_screen import offered_actions
from dlec_tui.widgets.palette import Offer, all_actions, matching
from engine.plan.recipes.registry import MEASURED, RECIPES
from tests.tui.conftest import keys, played

OFFERS = [Offer(action, action.keys, "") for action in ACTIONS]


@pytest.mark.parametrize(
    ("typed", "found"),
    [("zoom", "app.zoom"), ("SLICE split", "plan.split"), ("models: download", "models.download"), ("F10", "app.zoom")],
)
def test_words_of_a_name_or_a_key_find_an_action(typed: str, found: str) -> None:
    assert found in [offer.action.id for offer in matching(OFFERS, typed)]


def test_nothing_typed_lists_everything_and_nonsense_nothing() -> None:
    assert matching(OFFERS, "") == OFFERS
    assert not matching(OFFERS, "xyzzy")


def test_every_action_and_every_theme_is_offered() -> None:
    offered = all_actions(offered_actions())
    assert set(ACTIONS) <= set(offered)
    assert "use the colours light" in [action.what for action in offered]


def test_every_recipe_is_offered_as_the_list_of_recipes_has_it() -> None:
    offered = {action.name for action in all_actions(offered_actions())}
    assert {f"new_by('{name}')" for name in (*RECIPES, *MEASURED)} <= offered


@pytest.mark.parametrize("key", ["ctrl+p", "colon"])
def test_it_does_what_is_chosen(store: Path, key: str) -> None:
    assert played(store, keys(key, *"show runs", "enter")) == played(store, keys("4"))


def test_what_cannot_be_done_is_listed_with_its_key_and_the_reason(store: Path) -> None:
    screen = played(store, keys("ctrl+p", *"models: profile"), read_only=True)
    assert "models: profile this model (job)" in screen
    assert "unavailable: started with --read-only" in screen


def test_choosing_it_all_the_same_says_the_reason(store: Path) -> None:
    screen = played(store, keys("ctrl+p", *"models: profile", "enter"), read_only=True)
    assert "started with --read-only" in screen
    assert "models: profile it" not in screen


@pytest.mark.parametrize("key", ["escape", "ctrl+p"])
def test_it_closes_without_doing_anything(store: Path, key: str) -> None:
    assert played(store, keys("ctrl+p", "down", key)) == played(store, keys())
