"""What reaches the terminal: nothing while nothing happens, and never what somebody else writes."""

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

IDLE_SECONDS = 5.0
SAVED_SECONDS = 1.5
"""After which the session is saved."""
PLACES = (
    ("", "Tiny-135M"),
    ("2", "No model"),
    ("3", "No slices"),
    ("3v", "to the list"),
    ("4", "full"),
    ("/", "filter by name"),
)
"""Where one may be idle: keys that lead there, and what is seen there."""
NOISE = """
import ctypes, os, subprocess
ctypes.CDLL(None).write(2, b"NOISE of a library\\n", 19)
os.write(2, b"NOISE of Python\\n")
subprocess.run(["sh", "-c", "echo NOISE of a child >&2"])
"""


def test_an_idle_screen_sends_nothing(screen: Opened, place: Workplace) -> None:
    """On no pane, not where text is typed, and not while a job waits."""
    submitted_job(place.store, Held("the disk was too full"))
    opened = [screen() for _ in PLACES]
    for each, (keys, drawn) in zip(opened, PLACES, strict=True):
        each.wait_for("Tiny-135M", "quit", "1 held")
        for key in keys:
            each.press(key)
            each.rest()
        each.wait_for(drawn)
    wait_until(lambda: not drawn_by(opened, SAVED_SECONDS))
    assert drawn_by(opened, IDLE_SECONDS) == []


def drawn_by(opened: Sequence[Terminal], seconds: float) -> list[bytes]:
    """What comes within so many seconds from whichever, at once."""
    lines = {each.line: each for each in opened}
    ready, _, _ = select.select(list(lines), [], [], seconds)
    return [lines[line].read(0) for line in ready]


def test_what_others_write_on_descriptor_2_is_in_the_log_and_never_on_the_screen(
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
