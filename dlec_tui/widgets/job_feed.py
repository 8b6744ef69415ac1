"""Reader of the jobs: a thread that reads them after the files of the store have changed."""

from pathlib import Path

from textual.widget import Widget

from dlec_tui.messages import JobsSeen, StoreUnreadable
from engine.errors import DlecError

LOOK_SECONDS = 0.25
"""Interval of checks for changed files; workers write progress as often."""
AGAIN_SECONDS = 15.0
"""Interval of unconditional reading: a worker that dies changes no file."""

Stamp = tuple[tuple[int, int], ...]


class JobFeed(Widget):
    """Posts JobsSeen after changes. Invisible.

    Only one thread reads at a time: results arrive in order, and a disk that hangs blocks one thread.
    """

    DEFAULT_CSS = "JobFeed { display: none; }"

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self._stamp: Stamp | None = None
        self._is_looking = False
        self._is_wanted = False
        """Whether the next check reads the jobs even if no file has changed."""

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look)
        self.set_interval(AGAIN_SECONDS, self.read)
        self.call_after_refresh(self._look)  # the screen comes first

    def read(self) -> None:
        """Read the jobs after a running check has ended."""
        self._is_wanted = True
        self._look()

    def _look(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self.run_worker(self._read_changes, group="jobs", thread=True)

    def _read_changes(self) -> None:
        """Read the jobs if the store has changed, in a thread."""
        try:
            stamp = _stamp_of(self._store)
            if stamp != self._stamp or self._is_wanted:
                self._stamp, self._is_wanted = stamp, False
                self._read()
        finally:
            self._is_looking = False

    def _read(self) -> None:
        from dlec_tui.jobs.job_view import read_jobs  # late, and in the thread: the screen is there before it

        try:
            jobs = read_jobs(self._store)
        except DlecError as error:
            self.post_message(StoreUnreadable(str(error)))
        else:
            self.post_message(JobsSeen(jobs))


def _stamp_of(store: Path) -> Stamp:
    """Stamp that changes with every write to the store, with or without a write-ahead log."""
    stamp = []
    for path in (store, store.with_name(f"{store.name}-wal")):
        try:
            status = path.stat()
        except OSError:
            continue
        stamp.append((status.st_mtime_ns, status.st_size))
    return tuple(stamp)
