"""Signals that ask a worker to exit: recorded on arrival, and handled at a safe point."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""Signals of users, terminals, service managers and batch systems (SIGUSR1, some time before the time limit)."""


class EndingSignals:
    """A context that records these signals and restores their handlers on exit. For the main thread."""

    def __init__(self) -> None:
        self.have_come = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "EndingSignals":
        self._wake, self._bell = os.pipe()
        os.set_blocking(self._bell, False)
        self._before = {number: signal.signal(number, self._note) for number in ENDING}
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._wake)
        os.close(self._bell)

    def wait(self, seconds: float) -> bool:
        """Sleep until a signal arrives or the time is over. Return True if any signal has arrived."""
        select.select([self._wake], [], [], seconds)
        return self.have_come

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if not self.have_come:
            self.have_come = True
            os.write(self._bell, b"!")
