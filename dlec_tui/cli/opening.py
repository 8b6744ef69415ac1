"""Opens the full-screen app as suits the terminal. Textual reads its settings when it is imported: they come first."""

import os

_SETTINGS = {"TEXTUAL_ANIMATIONS": "none", "ESCDELAY": "25"}
"""Less to send over a slow line, and an Esc that does not wait."""


def open_screen() -> None:
    """Show the user's store until the user leaves."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from dlec_tui.app import Workbench
    from engine.store.location import store_path

    Workbench(store_path()).run(mouse=not _is_remote())


def _is_remote() -> bool:
    """Over SSH or in tmux: the mouse stays the terminal's own, for selecting text and scrolling back."""
    return bool(os.environ.get("SSH_CONNECTION") or os.environ.get("TMUX"))
