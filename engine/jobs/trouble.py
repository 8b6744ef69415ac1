"""Reports of recurring errors, on stderr, which is the log of a background worker."""

import sys
import traceback

from engine.errors import DlecError
from engine.machine.clock import steady_seconds
from engine.store.job_states import as_text, now


class Trouble:
    """A period in which errors recur until their cause is gone."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._said = ""

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def say(self, error: Exception, patience: float) -> None:
        """Print an error unless it repeats the last one. Raises it once errors have recurred for `patience` seconds."""
        if self._since is None:
            self._since = steady_seconds()
        if steady_seconds() - self._since >= patience:
            raise error
        if repr(error) != self._said:
            self._said = repr(error)
            text = error.line if isinstance(error, DlecError) else "".join(traceback.format_exception(error)).rstrip()
            _print(f"{text}\nRetrying until it works.")

    def is_over(self) -> None:
        """End the period, and print that it is over."""
        if self._since is not None:
            _print("Works again.")
        self._since, self._said = None, ""


def _print(text: str) -> None:
    print(f"=== {as_text(now())} UTC  {text}", file=sys.stderr, flush=True)
