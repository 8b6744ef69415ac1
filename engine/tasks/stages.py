"""A task of several stages, each of which counts for itself: which one it is stands in what it reports."""

import re
from dataclasses import dataclass

from engine.protocol import Report

_STAGE = re.compile(r"stage \d+ of \d+")


@dataclass(slots=True)
class Stages:
    """The stages of one run, in their order."""

    report: Report
    count: int
    """Stages in all."""
    _begun: int = 0

    def next(self) -> Report:
        """What the next stage reports with: "stage 2 of 5: ..."."""
        self._begun += 1
        number = self._begun

        def reported(done: int, total: int, what: str) -> None:
            self.report(done, total, f"stage {number} of {self.count}: {what}")

        return reported


def stage_of(what: str) -> str:
    """ "stage 2 of 5" of what such a task reports; "" of any other."""
    found = _STAGE.match(what)
    return found.group() if found else ""
