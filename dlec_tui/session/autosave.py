"""Autosave of the session: one second after the last change, and on exit."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from time import monotonic

from textual.app import App
from textual.timer import Timer

from dlec_tui.session.state import Session, save_to
from engine.errors import system_reason

AUTOSAVE_SECONDS = 1.0
"""After the last edit."""
MOST_SECONDS = 3.0
"""Maximum seconds after the first unsaved change, during continuous typing."""
LEAVING_SECONDS = 3.0
"""Seconds that quitting waits for a disk that does not respond."""


class Saving:
    """Saves the session: collected in the main thread, written in another one."""

    def __init__(self, app: App[str], file: Path, session: Callable[[], Session | None]) -> None:
        """file: of the session; session: gives what is to be saved, None for nothing: then the one before stays."""
        self._app = app
        self._file = file
        self._session = session
        self._timer: Timer | None = None
        self._latest: Session | None = None
        self._since: float | None = None
        """Time of the first unsaved change."""
        self._one_at_a_time = Lock()

    def soon(self) -> None:
        """Every change puts it off a little, but not for ever."""
        self._since = self._since or monotonic()
        if self._timer:
            self._timer.stop()
        rest = self._since + MOST_SECONDS - monotonic()
        self._timer = self._app.set_timer(max(0.01, min(AUTOSAVE_SECONDS, rest)), self._in_thread)

    def save_and(self, act: Callable[[], None]) -> None:
        """Save immediately; run `act` in the same thread after success."""
        self._latest = self._session() or self._latest
        self._app.run_worker(lambda: act() if self._write() else None, group="save", thread=True)

    def now(self) -> None:
        """Before leaving."""
        if self._timer:
            self._timer.stop()
        self._latest = self._session() or self._latest
        writing = Thread(target=self._write, daemon=True)
        writing.start()
        writing.join(LEAVING_SECONDS)

    def _in_thread(self) -> None:
        self._since = None
        self._latest = self._session() or self._latest
        self._app.run_worker(self._write, group="save", thread=True)

    def _write(self) -> bool:
        """Always the latest one, so that no thread that was late brings an older one back. Whether it is safe now."""
        with self._one_at_a_time:
            if self._latest is None:
                return False
            try:
                save_to(self._file, self._latest)
            except OSError as error:
                self._app.notify(f"cannot save the session: {system_reason(error)}", severity="error")
                return False
            return True
