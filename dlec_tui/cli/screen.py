"""Progress on stderr, drawn by rich where somebody is watching. rich is imported late: it costs 60 ms."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

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
