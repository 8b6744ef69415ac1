"""Adaptation of a screen to its terminal: colours, glyphs, keys, clipboard, output of child processes."""

import asyncio
import os
import traceback
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding
from textual.events import DescendantFocus, Event
from textual.filter import LineFilter
from textual.notifications import SeverityLevel

from dlec_tui.actions.key_names import short_key
from dlec_tui.actions.keymap import read_keymap
from dlec_tui.terminal.filters import OnlyAscii, WithoutColour
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.terminal.key_order import KeyOrder, Typed
from dlec_tui.terminal.redirect_stderr import SCREEN_LOG, append, undiverted
from dlec_tui.terminal.textual_private import ContainedApp, contain_exceptions, set_local_clipboard, write_to_terminal
from dlec_tui.terminal.theme_names import theme_for
from dlec_tui.terminal.themes import ALL_THEMES
from engine.errors import DlecError, shown

NOTICE_SECONDS = 20.0
"""Duration of important notices."""


class TerminalApp(ContainedApp, inherit_bindings=False):
    """Its result is what to print after leaving."""

    ANSWERING: ClassVar[Set[str]] = frozenset()
    """Groups of workers that decide what the next key is about."""
    ENABLE_COMMAND_PALETTE = False  # there is an own one, which lists every action

    def __init__(self, home: Path, *, theme: str, only_ascii: bool) -> None:
        """home: where the user's keymap is, and where copies go that no clipboard takes; theme: "" for what suits."""
        contain_exceptions()
        super().__init__()
        if only_ascii:
            GLYPHS.speak_ascii()
        self.home = home
        self.log_file: Path | None = home / "logs" / SCREEN_LOG
        """Log of tracebacks; None for a screen that writes nothing."""
        self.keys = KeyOrder(self)
        self._handling = 0
        self._said: set[str] = set()
        """The tracebacks that were written: a widget that cannot be drawn raises the same at every attempt."""
        self.chosen_theme = theme
        self.keymap = read_keymap(home)
        self.no_color = bool(os.environ.get("NO_COLOR"))
        self._own_filters = [WithoutColour()] * self.no_color + [OnlyAscii()] * only_ascii
        for each in ALL_THEMES:
            self.register_theme(each)
        self.theme = theme_for(theme, os.environ)
        self.set_keymap(dict(self.keymap.changed))

    async def on_mount(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._loop_failed)
        for notice in self.keymap.notices:
            self.notify(notice, severity="warning", timeout=NOTICE_SECONDS)

    def on_ready(self) -> None:
        self.has_started = True

    # Keys

    @property
    def is_handling(self) -> bool:
        """Whether an event is being handled, be it by waiting for something."""
        return self._handling > 0

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Typed) and not event.is_forwarded and (self.ignores(event) or self.keys.holds(event)):
            return
        self._handling += 1
        try:
            await super().on_event(event)
        finally:
            self._handling -= 1

    def ignores(self, typed: Typed) -> bool:  # noqa: ARG002
        """Whether it is to do nothing at all now."""
        return False

    # Unexpected exceptions

    def unexpected(self, error: BaseException) -> None:
        self.report(error)

    def _loop_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an exception of a task or callback that no one awaits."""
        if self.is_running and isinstance(error := context.get("exception"), Exception):
            self.report(error)

    def report(self, error: BaseException) -> None:
        """Report an unexpected exception, once."""
        text = traceback_of(error)
        if text not in self._said:
            self._said.add(text)
            self.notify(notice_of(error, self.log_file), severity="error", timeout=NOTICE_SECONDS)
            if self.log_file:
                self.run_worker(partial(append, self.log_file, text), group="report", thread=True)

    # How it looks

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A cursor that blinks sends bytes for ever."""
        if hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False

    def action_use_theme(self, name: str) -> None:
        self.chosen_theme = name
        self.theme = theme_for(name, os.environ)

    def get_line_filters(self) -> Sequence[LineFilter]:
        usual = () if self.no_color else super().get_line_filters()
        return [*usual, *self._own_filters]

    def get_key_display(self, binding: Binding) -> str:
        return short_key(binding.key)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,  # noqa: ARG002 - widgets hand their default on; foreign text is never markup
    ) -> None:
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program, including its standard error."""
        with super().suspend(), undiverted():
            yield

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text by the available route, and report the route."""
        set_local_clipboard(self, text)
        self._copy(text)

    @work(group="copy", thread=True)
    def _copy(self, text: str) -> None:
        from dlec_tui.terminal.clipboard import copy  # late: what only some keys need comes when they are pressed

        try:
            copied = copy(text, self.home, has_terminal=not self.is_web)
        except DlecError as error:
            self.call_from_thread(self.notify, str(error), severity="error")
            return
        self.call_from_thread(self._copied, copied.said, copied.for_terminal)

    def _copied(self, said: str, for_terminal: str) -> None:
        if for_terminal:
            write_to_terminal(self, for_terminal)
        self.notify(said)


def traceback_of(error: BaseException) -> str:
    """Traceback as it is written to the log."""
    return "".join(traceback.format_exception(error))


def notice_of(error: BaseException, log: Path | None) -> str:
    """One line about an unexpected exception. log: file with the traceback; None if nothing is written."""
    message = shown(str(error).partition("\n")[0])
    what = f"unexpected {type(error).__name__}{f': {message}' if message else ''}"
    return f"{what}; the traceback is in {log}" if log else what
