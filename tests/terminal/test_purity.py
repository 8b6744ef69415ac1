"""What is asked for not to be drawn is not drawn: no colour, nothing but ASCII."""

import re

from tests.jobs.workplace import Workplace
from tests.terminal.conftest import Opened
from tests.terminal.ptys import Terminal
from tests.tui.conftest import submitted_job

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
COLOURS = {*range(30, 50), *range(90, 108)} - {39, 49}
"""Parameters of SGR that choose one; 39 and 49 are the terminal's own."""
TOUR = (
    *(("2", "No model"), ("3", "text/list"), ("4", "merge p.yaml"), ("1", "Tiny-135M"), ("\r", "Tiny-135M")),
    *(("?", "help"), ("q", ""), ("\x10", "run an action"), ("\x1b", ""), ("\x0f", ""), ("\x1b", "")),
)
"""Keys, and what they bring."""


def all_of(opened: Terminal) -> bytes:
    """What is drawn on a tour of panes and dialogs."""
    opened.wait_for("Tiny-135M", "quit")
    for keys, drawn in TOUR:
        opened.press(keys)
        opened.wait_for(drawn)
        opened.rest()
    opened.press("q")
    opened.wait_for("keeps running")
    opened.press("\r")
    opened.exit_code()
    opened.rest()
    return opened.output


def test_with_no_color_no_colour_is_ever_sent(screen: Opened, place: Workplace) -> None:
    submitted_job(place.store)
    drawn = all_of(screen(NO_COLOR="1"))
    sent = {int(number) for sgr in SGR.findall(drawn) for number in re.split(rb"[;:]", sgr) if number}
    assert sent
    assert not sent & COLOURS


def test_with_ascii_nothing_else_is_ever_sent(screen: Opened, place: Workplace) -> None:
    submitted_job(place.store)
    drawn = all_of(screen("--ascii"))
    assert drawn.isascii(), {character for character in drawn.decode() if not character.isascii()}
