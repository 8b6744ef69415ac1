"""Runs a test's own code inside the process of the screen, when the test says so."""

import sys
from pathlib import Path

from tests.jobs.workplace import wait_until
from tests.terminal.ptys import DEADLINE

PROGRAM = """
import sys, threading, time
from pathlib import Path

asked, done = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))

def do_what_is_asked():
    while not asked.exists():
        time.sleep(0.01)
    exec(asked.read_text())
    done.touch()

threading.Thread(target=do_what_is_asked, daemon=True).start()
from dlec_tui.__main__ import main
main()
"""


class Inside:
    """`dlec` with one more thread, which waits for code."""

    def __init__(self, directory: Path) -> None:
        """directory: to be made."""
        directory.mkdir()
        self._asked, self._done = directory / "asked.py", directory / "done"
        self.command = [sys.executable, "-c", PROGRAM, str(self._asked), str(self._done)]

    def run(self, code: str) -> None:
        """Returns when it has run."""
        written = self._asked.with_suffix(".part")
        written.write_text(code)
        written.rename(self._asked)
        wait_until(self._done.exists, DEADLINE)
