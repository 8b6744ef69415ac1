"""Progress on stderr, drawn by rich where somebody is watching. rich is imported late: it costs 60 ms."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from engine.protocol import Report, no_report

if TYPE_CHECKING:
    from rich.console import Console

WIDEST_CHART, CHART_HEIGHT = 120, 14
"""In columns and rows."""

Advance: TypeAlias = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


@contextmanager
def byte_progress(label: str) -> Iterator[Advance]:
    """A bar with rate and time left; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


@contextmanager
def task_progress(label: str) -> Iterator[Report]:
    """A bar with what is being done and the time left; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield no_report
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(escape(label), total=None)
        yield lambda done, total, what: progress.update(
            bar, completed=done, total=total, description=escape(what or label)
        )


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """A spinner while something takes its time; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(label):
        yield


def storyteller(*, stderr: bool) -> "Console":
    """A console for narration; a reader who goes away ends it as it ends every other verb."""
    from rich.console import Console

    class Storyteller(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Storyteller(stderr=stderr, highlight=False)


def chart_size() -> tuple[int, int]:
    """Columns and rows for a chart among other text: as wide as the terminal, 80 columns where there is none."""
    return min(shutil.get_terminal_size().columns, WIDEST_CHART), CHART_HEIGHT
