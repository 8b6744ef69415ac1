"""In tmux with its defaults: every key arrives, the footer is complete, and a detached session can be attached."""

import re
from base64 import b64encode
from pathlib import Path

from dlec_tui.actions.registry import ACTIONS, EVERYWHERE, actions_of
from dlec_tui.main_screen import PANES
from tests.jobs.workplace import Workplace
from tests.terminal.conftest import DLEC
from tests.terminal.gate import Gate
from tests.terminal.ptys import terminal
from tests.terminal.tmux import Tmux

NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "space": "Space",
    "enter": "Enter",
    "delete": "DC",
    "shift+up": "S-Up",
    "shift+down": "S-Down",
}
"""Names of keys in tmux."""


def tmux_name(key: str) -> str:
    if key in NAMES:
        return NAMES[key]
    if key.startswith("ctrl+"):
        return f"C-{key.removeprefix('ctrl+')}"
    return key.upper() if key[0] == "f" and key[1:].isdecimal() else key


def test_every_key_is_recognised(tmux: Tmux, working_directory: Path) -> None:
    keys = sorted({key for action in ACTIONS for key in action.keys.split(",") if key} - {"q"})
    tmux.open([*DLEC, "keys", "--try"], working_directory, columns=120, rows=len(keys) + 5)
    tmux.wait_for("does")
    for key in keys:
        tmux.press(tmux_name(key))
        tmux.wait_for(f"\n{key}")
    _, _, *lines = tmux.screen.splitlines()
    assert [re.split(r"[ '\"]", line)[0] for line in filter(None, lines)] == keys


def test_at_80_by_24_every_pane_shows_all_keys_of_its_footer(tmux: Tmux, working_directory: Path) -> None:
    """Whatever size the environment claims."""
    tmux.environment = {**tmux.environment, "LINES": "40", "COLUMNS": "100"}
    tmux.open(DLEC, working_directory)
    tmux.wait_for("Tiny-135M", "quit")
    for number, area in enumerate(PANES, start=1):
        tmux.press(str(number))
        labels = [action.label for action in (*actions_of(area), *EVERYWHERE) if action.in_footer]
        screen = tmux.wait_for(*labels)
        assert [label for label in labels if label not in screen.splitlines()[-1]] == []


def test_copied_text_reaches_the_outer_terminal(
    tmux: Tmux, environment: dict[str, str], working_directory: Path
) -> None:
    """Through tmux's buffer and OSC 52 to the clipboard of the attached client."""
    tmux.open(DLEC, working_directory)
    tmux.wait_for("Tiny-135M", "quit")
    with terminal([*tmux.command, "attach"], environment, working_directory) as outside:
        outside.wait_for("Tiny-135M")
        outside.rest()
        tmux.wait_for("quit")
        tmux.press("y")
        tmux.wait_for("copied (tmux)")
        outside.rest()
    copied = tmux.ask("show-buffer")
    assert copied in ("/models/Tiny-135M", "org/Unprofiled-8B")
    assert b"\x1b]52;" in outside.output
    assert outside.output.partition(b"\x1b]52;")[2].split(b";")[1].startswith(b64encode(copied.encode()))


def test_after_a_lost_connection_the_attached_session_shows_how_the_job_ended(
    *,
    tmux: Tmux,
    environment: dict[str, str],
    working_directory: Path,
    place: Workplace,
    gate: Gate,
    merge: int,
) -> None:
    tmux.open(DLEC, working_directory)
    with terminal([*tmux.command, "attach"], environment, working_directory) as first:
        tmux.wait_for("Tiny-135M", "1 waiting")
        tmux.press("4")
        tmux.wait_for("merge a plan into out")
        tmux.type("wy")
        tmux.wait_for("running")
        first.hang_up()
        first.exit_code()
    gate.open()
    place.result(merge)
    tmux.wait_for("done at")
    with terminal([*tmux.command, "attach"], environment, working_directory) as second:
        second.wait_for("merge a plan into out", "done at")
