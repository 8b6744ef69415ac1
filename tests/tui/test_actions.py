"""The registry of actions: what keys may be, and that everything it promises is there."""

from collections import Counter
from itertools import combinations

import pytest

from dlec_tui.actions.key_names import why_forbidden
from dlec_tui.actions.keymap import Keymap, key_lines, keymap_from
from dlec_tui.actions.registry import ACTIONS, EVERYWHERE, actions_of
from dlec_tui.app import Workbench
from dlec_tui.main_screen import PANES, pane_class

MOST_IN_FOOTER = 7


def test_no_key_is_one_that_terminals_or_tmux_keep() -> None:
    assert not {key: why for action in ACTIONS for key in action.keys.split(",") if (why := why_forbidden(key))}


def test_no_key_does_two_things_in_one_place() -> None:
    for one, other in combinations(ACTIONS, 2):
        if one.area == other.area or "app" in (one.area, other.area):
            assert not set(one.keys.split(",")) & set(other.keys.split(",")), (one.id, other.id)


def test_every_key_could_have_been_wished_for() -> None:
    """Names of keys that Textual does not know would never be pressed."""
    for action in ACTIONS:
        assert not keymap_from({action.id: action.keys}).notices, action


def test_names_are_unique() -> None:
    assert not [name for name, times in Counter(action.id for action in ACTIONS).items() if times > 1]


@pytest.mark.parametrize("area", PANES)
def test_the_footer_has_room_for_the_keys_of_each_pane(area: str) -> None:
    assert sum(action.in_footer for action in (*EVERYWHERE, *actions_of(area))) <= MOST_IN_FOOTER


@pytest.mark.parametrize("area", ["app", *PANES])
def test_everything_that_is_listed_can_be_done(area: str) -> None:
    doer = Workbench if area == "app" else pane_class(area)
    assert not [action.id for action in actions_of(area) if not hasattr(doer, f"action_{action.name}")]


def test_the_table_of_keys_lists_every_action() -> None:
    lines = list(key_lines(Keymap()))
    for action in ACTIONS:
        assert any(action.id in line and action.what in line for line in lines)
