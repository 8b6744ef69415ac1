"""Trial of keys: the bytes that the terminal sends, and the action that they trigger."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from dlec_tui.actions.key_names import why_forbidden
from dlec_tui.actions.keymap import Keymap
from dlec_tui.actions.registry import ACTIONS
from dlec_tui.terminal.textual_private import key_names

_KITTY_ON, _KITTY_OFF = "\x1b[>25u", "\x1b[<u"
"""Kitty keyboard protocol, as the screen requests it: some terminals then distinguish more keys."""
_REST_SECONDS = 0.05
"""Within which the rest of a key follows its beginning."""
_LAST = "q"


def tried(terminal: int, keymap: Keymap) -> Iterator[str]:
    """A line for each key that is pressed, until q. terminal: the descriptor that keys come from."""
    with _raw(terminal):
        yield f"{'key':<18}{'sent':<22}does"  # only now: what is typed before the terminal is raw gets lost
        while sent := _one_key(terminal):
            names = key_names(sent)
            yield f"{', '.join(names):<18}{sent!r:<22}{'; '.join(_meaning(name, keymap) for name in names)}"
            if _LAST in names:
                return


def _meaning(name: str, keymap: Keymap) -> str:
    ids = [action.id for action in ACTIONS if name in keymap.keys(action).split(",")]
    return ", ".join(ids) or why_forbidden(name)


def _one_key(terminal: int) -> str:
    """All bytes of it."""
    sent = os.read(terminal, 64)
    while select.select([terminal], [], [], _REST_SECONDS)[0] and (rest := os.read(terminal, 64)):
        sent += rest
    return sent.decode("utf-8", "replace")


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Keys as they are pressed, none of them taken by the terminal; lines are still written as lines."""
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        raw = termios.tcgetattr(terminal)
        raw[1] = before[1]
        termios.tcsetattr(terminal, termios.TCSADRAIN, raw)
        _write(_KITTY_ON)
        yield
    finally:
        _write(_KITTY_OFF)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
