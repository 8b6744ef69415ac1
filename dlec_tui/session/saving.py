"""Keeps the session: a second after the last change, and when the screen is left."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from textual.app import App
from textual.timer import Timer

from dlec_tui.session.remembered import Session, save_session

AUTOSAVE_SECONDS = 1.0
"""After the last edit."""


class Saving:
    """What is remembered is asked for in the app's thread, and written in another one."""

    def __init__(self, app: App[str], store: Path, session: Callable[[], Session | None]) -> None:
        """session: gives what is to be saved; None for nothing, then the one before is left as it is."""
        self._app = app
        self._store = store
        self._session = session
        self._timer: Timer | None = None
        self._latest: Session | None = None
        self._one_at_a_time = Lock()

    def soon(self) -> None:
        """Every change puts it off a little."""
        if self._timer:
            self._timer.stop()
        self._timer = self._app.set_timer(AUTOSAVE_SECONDS, self._in_thread)

    def now(self) -> None:
        """Before leaving."""
        if self._timer:
            self._timer.stop()
        self._latest = self._session() or self._latest
        self._write()

    def _in_thread(self) -> None:
        self._latest = self._session() or self._latest
        self._app.run_worker(self._write, group="save", thread=True)

    def _write(self) -> None:
        """Always the latest one, so that no thread that was late brings an older one back."""
        with self._one_at_a_time:
            if self._latest is None:
                return
            try:
                save_session(self._store, self._latest)
            except OSError as error:
                self._app.notify(f"the session cannot be saved: {error.strerror}", severity="error")
