"""The trial of keys on a pseudo-terminal."""

import os
import termios

from dlec_tui.actions.keymap import Keymap
from dlec_tui.terminal.key_trial import tried


def test_a_key_pressed_once_the_header_is_printed_is_not_lost_or_echoed() -> None:
    keyboard, terminal = os.openpty()
    try:
        lines = tried(terminal, Keymap())
        assert next(lines).split() == ["key", "sent", "does"]
        assert not termios.tcgetattr(terminal)[3] & (termios.ECHO | termios.ICANON)
        os.write(keyboard, b"0")
        assert next(lines).startswith("0 ")
        lines.close()
        assert termios.tcgetattr(terminal)[3] & termios.ECHO
    finally:
        os.close(keyboard)
        os.close(terminal)
