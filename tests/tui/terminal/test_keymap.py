"""The user's keys: what is granted, and what is said of the rest."""

from pathlib import Path

import pytest

from dlec_tui.actions.key_names import short_key, shown_keys
from dlec_tui.actions.keymap import Keymap, keymap_from, read_keymap
from tests.tui.conftest import keys, played


def test_keys_are_named_as_textual_or_as_they_are_typed() -> None:
    assert keymap_from({"plan.duplicate": "ctrl+x, %"}).changed == {"plan.duplicate": "ctrl+x,percent_sign"}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"plan.dup": "w"}, "unknown action plan.dup; did you mean plan.duplicate?"),
        ({"plan.new": "ctrl+h"}, "plan.new cannot use Ctrl+H: terminals send Backspace"),
        ({"plan.new": "alt+n"}, "Alt+N: many terminals keep it"),
        ({"plan.new": "ctlr+n"}, "unknown key ctlr+n"),
        ({"plan.new": "j"}, "j: it moves the cursor in lists"),
        ({"plan.new": 5}, "plan.new: keys must be a string"),
        ({"plan.new": " , "}, "plan.new: keys must be a string"),
        ({"plan.new": "q"}, "q is assigned to both app.quit and plan.new"),
        ({"plan.new": "w", "plan.open": "w"}, "w is assigned to both plan.new and plan.open"),
        ("w", "keys is not a table"),
    ],
)
def test_what_cannot_be_granted_is_said_and_the_own_keys_stay(wish: object, said: str) -> None:
    keymap = keymap_from(wish)
    assert said in keymap.notices[0]
    assert not keymap.changed


def test_keys_of_two_actions_can_be_swapped() -> None:
    swapped = {"plan.add": "d", "plan.duplicate": "a"}
    assert keymap_from(swapped).changed == swapped


@pytest.mark.parametrize("text", ["[keys", "keys = 1", '[keys]\n"plan.new" = "ctrl+m"'])
def test_a_keymap_that_is_wrong_is_a_notice_on_the_screen(store: Path, text: str) -> None:
    (store.parent / "keymap.toml").write_text(text)
    assert "keymap.toml" in played(store, keys())


def test_a_changed_key_works_and_is_shown_in_footer_and_help(store: Path) -> None:
    (store.parent / "keymap.toml").write_text('[keys]\n"app.help" = "f12"\n')
    assert "F12 help" in played(store, keys())
    assert "all panes" in played(store, keys("f1", "f12"), (80, 60))


def test_without_a_file_nothing_is_changed(tmp_path: Path) -> None:
    assert read_keymap(tmp_path) == Keymap()


def test_keys_are_shown_as_people_know_them() -> None:
    assert shown_keys("f1,question_mark,ctrl+p,shift+up,space,Y") == "F1 or ? or Ctrl+P or Shift+Up or Space or Y"
    assert (short_key("ctrl+p"), short_key("enter")) == ("^P", "Enter")
