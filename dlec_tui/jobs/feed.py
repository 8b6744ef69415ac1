"""Keeps an eye on the jobs: reads them in a thread, and only after the store's files have changed."""

from pathlib import Path

from textual.widget import Widget

from dlec_tui.messages import JobsSeen, StoreUnreadable
from engine.errors import DlecError

LOOK_SECONDS = 0.25
"""Between two looks at the files; workers write progress as often."""
AGAIN_SECONDS = 15.0
"""After which the jobs are read in any case: a worker that dies changes no file."""

Stamp = tuple[tuple[int, int], ...]


class JobFeed(Widget):
    """Posts JobsSeen when there is something new. Takes no room on the screen."""

    DEFAULT_CSS = "JobFeed { display: none; }"

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self._stamp: Stamp | None = None

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look)
        self.set_interval(AGAIN_SECONDS, self.read)
        self.call_after_refresh(self._look)  # the screen comes first

    def read(self) -> None:
        """Read the jobs now."""
        self.run_worker(self._read, group="jobs", thread=True, exclusive=True)

    def _look(self) -> None:
        stamp = _stamp_of(self._store)
        if stamp != self._stamp:
            self._stamp = stamp
            self.read()

    def _read(self) -> None:
        from dlec_tui.jobs.stored import read_jobs  # late, and in the thread: the screen is there before it

        try:
            jobs = read_jobs(self._store)
        except DlecError as error:
            self.post_message(StoreUnreadable(str(error)))
            return
        self.post_message(JobsSeen(jobs))


def _stamp_of(store: Path) -> Stamp:
    """Changes whenever somebody writes into the store, with or without a write-ahead log."""
    stamp = []
    for path in (store, store.with_name(f"{store.name}-wal")):
        try:
            status = path.stat()
        except OSError:
            continue
        stamp.append((status.st_mtime_ns, status.st_size))
    return tuple(stamp)
