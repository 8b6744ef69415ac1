"""Opens the full-screen app as suits the terminal, and leaves it at once. Textual reads its settings on import."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Thread, enumerate, main_thread

import click

from dlec_tui.terminal.noise import SCREEN_LOG, diverted
from dlec_tui.terminal.theme_names import is_far
from engine.errors import MachineError

GRACE_SECONDS = 0.3
"""What threads get to finish after the screen is gone; what they write is whole or not there."""
MOST_THREADS = 32
"""Some of them may wait for a disk that hangs: the others are to have theirs."""
_EVERYWHERE = {"TEXTUAL_ANIMATIONS": "none", "ESCDELAY": "25"}
"""Nothing glides, and Esc does not wait, in milliseconds."""
_FAR = {"TEXTUAL_FPS": "15", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""Less to send over a slow line."""


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """How the screen is wanted."""

    read_only: bool = False
    theme: str = ""
    """"" for the one of the last session, or that suits the terminal."""
    only_ascii: bool = False
    mouse: bool = False
    """Also where it would be the terminal's own."""


def open_screen(store: Path, options: ScreenOptions) -> None:
    """Show a store until the user leaves. Raises MachineError when the screen breaks, naming the log."""
    os.environ.update({**_settings(os.environ), **os.environ})
    _ask_the_terminal_for_its_size()
    log = Path(os.devnull) if options.read_only else store.parent / "logs" / SCREEN_LOG
    with diverted(log):
        from dlec_tui.app import Workbench

        app = Workbench(store, read_only=options.read_only, theme=options.theme, only_ascii=options.only_ascii)
        loop, threads = asyncio.new_event_loop(), ThreadPoolExecutor(MOST_THREADS)
        loop.set_default_executor(threads)
        words = app.run(mouse=options.mouse or not is_far(os.environ), loop=loop)
        threads.shutdown(wait=False, cancel_futures=True)
    if words:
        click.echo(words)
    if app.return_code:
        raise MachineError(
            "the screen broke", why=f"the log {log} tells more", fix="Nothing is lost: dlec opens it again."
        )
    _wait_for_threads()


def _ask_the_terminal_for_its_size() -> None:
    """Where these are set, Textual believes them for ever, and no change of size is seen; a browser tells it so."""
    if not os.environ.get("TEXTUAL_DRIVER"):
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return _EVERYWHERE | (_FAR if is_far(environment) else {})


def _wait_for_threads() -> None:
    """A moment; whoever is still waiting for something then is not waited for."""
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in _others():
        thread.join(max(0.0, deadline - time.monotonic()))
    if _others():
        sys.stdout.flush()
        os._exit(0)


def _others() -> list[Thread]:
    return [thread for thread in enumerate() if thread is not main_thread() and not thread.daemon]
