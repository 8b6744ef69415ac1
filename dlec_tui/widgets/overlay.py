"""What all dialogs have in common: a box over the screen, and the screen still to be seen around it."""

from typing import TypeVar

from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Overlay(ModalScreen[Answer]):
    """Its first child is the box. Nothing is dimmed: that would send the whole screen again."""

    DEFAULT_CSS = """
    Overlay { align: center middle; background: transparent; }
    Overlay > .box {
        background: $surface; border: round $accent; border-title-color: $accent; border-title-style: bold;
        padding: 0 1; width: 80; max-width: 100%; height: auto; max-height: 100%;
    }
    """
