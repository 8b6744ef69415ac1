"""The table of actions and keys, made from the registry: for `dlec keys` and for the documentation."""

from collections.abc import Iterator
from itertools import groupby

from dlec_tui.actions.registry import ACTIONS
from dlec_tui.terminal.key_names import shown_keys
from dlec_tui.terminal.keymap import Keymap

_KEYS, _IDS = 26, 27
"""Columns for them."""


def key_rows(keymap: Keymap) -> list[dict[str, str]]:
    """As data: keys as Textual names them, which is how keymap.toml wants them."""
    return [
        {"id": action.id, "area": action.area, "keys": keymap.keys(action), "what": action.what} for action in ACTIONS
    ]


def key_lines(keymap: Keymap) -> Iterator[str]:
    """For people, one area after the other."""
    for _, actions in groupby(ACTIONS, lambda action: action.area):
        for action in actions:
            yield f"{shown_keys(keymap.keys(action)):<{_KEYS}}{action.id:<{_IDS}}{action.what}"
        yield ""


def markdown_table(keymap: Keymap) -> str:
    """For README."""
    rows = [f"| `{action.id}` | {_cell(keymap.keys(action))} | {action.what} |" for action in ACTIONS]
    return "\n".join(["| action | keys | |", "|---|---|---|", *rows])


def _cell(keys: str) -> str:
    return shown_keys(keys).replace("|", "\\|")
