"""Start of the workbench, with settings for the terminal, and its immediate exit. Textual reads settings on import."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import SUCCESS, code_of
from dlec_tui.cli.failures import say_error
from dlec_tui.terminal.redirect_stderr import SCREEN_LOG, diverted
from dlec_tui.terminal.theme_names import is_far
from engine.errors import DlecError, UnexpectedError

GRACE_SECONDS = 0.3
"""Time for threads to finish after the screen has closed. Their files are written completely or not at all."""
MOST_THREADS = 32
"""Enough for the others if some threads wait for an unresponsive disk."""
_EVERYWHERE = {"TEXTUAL_ANIMATIONS": "none", "ESCDELAY": "25"}
"""No animations, and a short wait after Esc, in milliseconds."""
_FAR = {"TEXTUAL_FPS": "15", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""Less output over a slow connection."""


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """Options of the workbench."""

    read_only: bool = False
    theme: str = ""
    """Name of a theme; "" for that of the last session, else one that suits the terminal."""
    only_ascii: bool = False
    mouse: bool = False
    """Use the mouse over SSH and in tmux, too."""


def open_screen(store: Path, options: ScreenOptions) -> None:
    """Show the workbench until the user quits. Raises UnexpectedError with the log if it crashes."""
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
    crash = _crash(log) if app.return_code else None
    if _threads_left():
        _leave_at_once(crash)
    if crash:
        raise crash


def _crash(log: Path) -> UnexpectedError:
    fix = "Your session is saved: run dlec to open it again."
    where = {"traceback": str(log)}
    return UnexpectedError("the workbench crashed", why=f"traceback in {log}", fix=fix, where=where)


def _leave_at_once(crash: DlecError | None) -> None:
    """Exit without waiting for threads, which would block the interpreter."""
    if crash:
        say_error(str(crash))
    sys.stdout.flush()
    os._exit(code_of(crash) if crash else SUCCESS)


def _ask_the_terminal_for_its_size() -> None:
    """Remove COLUMNS and LINES, which make Textual ignore changes of size. The browser driver needs them."""
    if not os.environ.get("TEXTUAL_DRIVER"):
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return _EVERYWHERE | (_FAR if is_far(environment) else {})


def _threads_left() -> bool:
    """Return True if threads are still running after the grace period."""
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in _others():
        thread.join(max(0.0, deadline - time.monotonic()))
    return bool(_others())


def _others() -> list[threading.Thread]:
    main = threading.main_thread()
    return [thread for thread in threading.enumerate() if thread is not main and not thread.daemon]
