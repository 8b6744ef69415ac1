"""Progress on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from engine.protocol import Report, no_report

if TYPE_CHECKING:
    from rich.console import Console

Advance: TypeAlias = Callable[[int, int], None]
"""Callback with (bytes done, total bytes)."""


@contextmanager
def byte_progress(label: str) -> Iterator[Advance]:
    """Show a progress bar with rate and remaining time, if stderr is a terminal."""
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
    """Show a progress bar with the current step and remaining time, if stderr is a terminal."""
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
    """Show a spinner, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(label):
        yield


def storyteller(*, stderr: bool) -> "Console":
    """Return a console whose broken pipe raises BrokenPipeError, as in every other verb."""
    from rich.console import Console

    class Storyteller(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Storyteller(stderr=stderr, highlight=False)
