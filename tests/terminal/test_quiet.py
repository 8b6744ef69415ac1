"""Output to the terminal: none while idle, and never what other code writes to descriptor 2."""

import select
from collections.abc import Sequence
from pathlib import Path

from dlec_tui.terminal.redirect_stderr import SCREEN_LOG
from engine.store.job_states import Held
from tests.jobs.workplace import Workplace, wait_until
from tests.terminal.conftest import Opened
from tests.terminal.inside import Inside
from tests.terminal.ptys import Terminal, terminal
from tests.tui.conftest import submitted_job

IDLE_SECONDS = 2.5
"""Longer than the longest interval of a timer that draws, 1 second."""
SAVED_SECONDS = 1.5
"""Delay after which the session is saved."""
ROUTES = (
    [("1", "Tiny-135M"), ("2", "No model")],
    [("3", "No slices"), ("v", "to the list")],
    [("4", "full"), ("/", "filter jobs")],
)
"""Places to be idle at, two for each process: keys that lead there, and text shown there."""
NOISE = """
import ctypes, os, subprocess
ctypes.CDLL(None).write(2, b"NOISE of a library\\n", 19)
os.write(2, b"NOISE of Python\\n")
subprocess.run(["sh", "-c", "echo NOISE of a child >&2"])
"""


def test_an_idle_screen_sends_nothing(screen: Opened, place: Workplace) -> None:
    """On every pane, in text fields, and while a job is held."""
    submitted_job(place.store, Held("the disk was too full"))
    opened = [screen() for _ in ROUTES]
    for each in opened:
        each.wait_for("Tiny-135M", "quit", "1 held")
    for places in zip(*ROUTES, strict=True):
        for each, (keys, drawn) in zip(opened, places, strict=True):
            each.press(keys)
            if keys != "1":  # it is in front already: nothing is drawn
                each.wait_for(drawn)
        wait_until(lambda: not drawn_by(opened, SAVED_SECONDS))
        assert drawn_by(opened, IDLE_SECONDS) == []


def drawn_by(opened: Sequence[Terminal], seconds: float) -> list[bytes]:
    """Return what the first terminals that draw within `seconds` have sent; empty if none draws."""
    lines = {each.line: each for each in opened}
    ready, _, _ = select.select(list(lines), [], [], seconds)
    return [lines[line].read(0) for line in ready]


def test_output_to_descriptor_2_is_logged_and_never_drawn(
    environment: dict[str, str], working_directory: Path, tmp_path: Path, place: Workplace
) -> None:
    inside = Inside(tmp_path / "inside")
    with terminal(inside.command, environment, working_directory) as opened:
        opened.wait_for("Tiny-135M", "quit")
        inside.run(NOISE)
        opened.press("4")
        opened.wait_for("No jobs.")
        opened.press("q")
        assert opened.exit_code() == 0
        opened.rest()
    assert b"NOISE" not in opened.output
    log = (place.home / "logs" / SCREEN_LOG).read_text()
    assert [f"NOISE of {who}" in log for who in ("a library", "Python", "a child")] == [True] * 3
