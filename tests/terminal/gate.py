"""Merges that go on only once a test lets them: so that something happens surely while a job runs."""

from pathlib import Path

STEPS = """
import os, sys, time
if "engine.tasks" in sys.orig_argv:
    import engine.merge.writer
    performed = engine.merge.writer._perform_one

    def perform_when_let(*arguments):
        while not os.path.exists({open_gate!r}):
            time.sleep(0.01)
        performed(*arguments)

    engine.merge.writer._perform_one = perform_when_let
"""


class Gate:
    """Closed at first."""

    def __init__(self, directory: Path) -> None:
        """directory: to be made."""
        directory.mkdir()
        self._open = directory / "open"
        (directory / "sitecustomize.py").write_text(STEPS.format(open_gate=str(self._open)))
        self.environment = {"PYTHONPATH": str(directory)}
        """Of the processes that it is to hold, and of whoever starts them."""

    def open(self) -> None:
        self._open.touch()
