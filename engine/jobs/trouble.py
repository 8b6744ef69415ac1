"""What a worker says about errors that it waits out: on stderr, which is the log of a worker in the background."""

import sys
import traceback

from engine.errors import DlecError
from engine.machine.clock import steady_seconds
from engine.store.job_states import as_text, now


class Trouble:
    """Errors that come again and again until their reason is gone."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._said = ""

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def say(self, error: Exception, patience: float) -> None:
        """Print an error once while it is the same. Raises it when there has been trouble for `patience` seconds."""
        if self._since is None:
            self._since = steady_seconds()
        if steady_seconds() - self._since >= patience:
            raise error
        if repr(error) != self._said:
            self._said = repr(error)
            text = error.line if isinstance(error, DlecError) else "".join(traceback.format_exception(error)).rstrip()
            _print(f"{text}\nIt is tried again until it works.")

    def is_over(self) -> None:
        """Say that it works again, if it did not."""
        if self._since is not None:
            _print("It works again.")
        self._since, self._said = None, ""


def _print(text: str) -> None:
    print(f"=== {as_text(now())} UTC  {text}", file=sys.stderr, flush=True)
