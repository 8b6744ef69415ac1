"""The private parts of Textual that dlec uses exist in the installed version."""

from importlib import import_module
from importlib.metadata import version

import pytest
from textual.app import App
from textual.widgets import TextArea

from dlec_tui.terminal.textual_private import PRIVATE_PARTS, PRIVATE_STATE, TRIED, key_names


def lacks(name: str) -> str:
    return (
        f"Textual {version('textual')} has no {name}, which dlec_tui/terminal/textual_private.py uses "
        f"(tried with {', '.join(TRIED)})"
    )


@pytest.mark.parametrize(("module", "owner", "attribute"), PRIVATE_PARTS)
def test_textual_has_the_private_part(module: str, owner: str, attribute: str) -> None:
    assert hasattr(getattr(import_module(module), owner), attribute), lacks(f"{owner}.{attribute}")


@pytest.mark.parametrize(("owner", "attribute"), PRIVATE_STATE)
def test_textual_keeps_the_private_state(owner: str, attribute: str) -> None:
    instance = {"App": App, "TextArea": TextArea}[owner]()
    assert hasattr(instance, attribute), lacks(f"{owner}.{attribute}")


def test_the_parser_of_textual_names_keys() -> None:
    assert key_names("\x1b[A") == ["up"], lacks("XTermParser.feed as a generator of key events")
