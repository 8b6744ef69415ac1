"""The line above the keys: what runs, what waits, and what went wrong."""

from typing import TYPE_CHECKING

from rich.text import Text
from textual.events import Resize
from textual.widgets import Static

if TYPE_CHECKING:
    from dlec_tui.jobs.stored import StoredJobs


class JobStrip(Static):
    """One line; of several running jobs the one that was begun last, and how many there are."""

    DEFAULT_CSS = "JobStrip { height: 1; padding: 0 1; background: $panel; text-overflow: clip; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._jobs: StoredJobs | None = None
        self._text = ""

    def show(self, jobs: "StoredJobs") -> None:
        self._jobs = jobs
        self._redraw()

    def on_resize(self, _event: Resize) -> None:
        if self._jobs:
            self._redraw()

    def _redraw(self) -> None:
        from dlec_tui.jobs.strip import strip_text  # late: it comes with the jobs, and the screen before them

        assert self._jobs is not None
        text = strip_text(self._jobs, self.content_size.width)
        if text != self._text:
            self._text = text
            self.update(Text(text, no_wrap=True), layout=False)
