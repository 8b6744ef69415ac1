"""Stages of a task, each of which counts its own progress: the reported text begins with "stage 2 of 5: ".

An announcement of costs is passed on as it is.
"""

import re
from dataclasses import dataclass

from engine.protocol import Report

ANNOUNCED = "announced: "
"""Beginning of a line that announces costs, so that an interface can keep it."""
_STAGE = re.compile(r"stage \d+ of \d+")


@dataclass(slots=True)
class Stages:
    """The stages of one run, in order."""

    report: Report
    count: int
    """Number of stages."""
    _started: int = 0

    def next(self) -> Report:
        """Return the Report of the next stage."""
        self._started += 1
        number = self._started

        def reported(done: int, total: int, what: str) -> None:
            is_announced = what.startswith(ANNOUNCED)
            self.report(done, total, what if is_announced else f"stage {number} of {self.count}: {what}")

        return reported


def stage_of(what: str) -> str:
    """Return "stage 2 of 5" from the reported text of a task with stages; "" for any other text."""
    match = _STAGE.match(what)
    return match.group() if match else ""
