"""Prompts for one line of text, and for a path that a thread checks."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from dlec_tui.terminal.path_completion import PathSuggester
from dlec_tui.widgets.dialogs import Overlay
from engine.errors import DlecError, shown, system_reason
from engine.files import expanded

Check = Callable[[str], str]
"""Error in a line; "" if it is valid."""


class CompletingInput(Input):
    """Input line in which Tab accepts the suggestion."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "cursor_right", "complete", id="prompt.complete")]


class LinePrompt(Overlay[str | None]):
    """Returns the line, or None after Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "dismiss(None)", "back", id="prompt.back")]
    DEFAULT_CSS = """
    LinePrompt #hint { color: $text-muted; }
    LinePrompt #wrong { color: $error; display: none; }
    """

    def __init__(
        self,
        title: str,
        hint: str,
        *,
        text: str = "",
        check: Check = lambda _line: "",
        suggester: Suggester | None = None,
    ) -> None:
        """title: name of the value; hint: its format; check: validation on Enter."""
        super().__init__()
        self._title, self._hint, self._text = title, hint, text
        self._check, self._suggester = check, suggester

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = self._title
            line = CompletingInput(self._text, suggester=self._suggester, select_on_focus=False, compact=True)
            line.cursor_blink = False  # an idle screen sends nothing
            yield line
            yield Static(self._hint, id="hint", markup=False)
            yield Static("", id="wrong", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if wrong := self._check(event.value.strip()):
            self.say_wrong(wrong)
        else:
            self.dismiss(event.value.strip())

    def say_wrong(self, wrong: str) -> None:
        """Show an error below the line."""
        self.query_one("#wrong", Static).update(wrong)
        self.query_one("#wrong").display = True


Look = Callable[[Path], object]
"""Check of a path. Raises DlecError, OSError or ValueError for an unusable one."""
SLOW_SECONDS = 0.5
"""Delay of the message that the disk does not respond."""


def can_be_looked_at(path: Path) -> None:
    """Check a path that need not exist. Raises OSError for an invalid name or missing permission."""
    try:
        os.stat(path)  # noqa: PTH116 (Path.exists hides some errors, and raises others)
    except FileNotFoundError:
        return


class PathPrompt(LinePrompt):
    """Returns the path with `~` expanded, or None after Esc; stays open while the path is unusable."""

    class Looked(Message):
        """Result of checking a path."""

        def __init__(self, line: str, given: str, wrong: str) -> None:
            """given: resulting path; wrong: error, "" without one."""
            super().__init__()
            self.line, self.given, self.wrong = line, given, wrong

    def __init__(
        self, title: str, hint: str, *, text: str = "", suffixes: tuple[str, ...] = (), look: Look = can_be_looked_at
    ) -> None:
        """Prompt for a path. suffixes: of files to suggest, in addition to directories; look: check in a thread."""
        super().__init__(title, hint, text=text, suggester=PathSuggester(*suffixes))
        self._look_at = look
        self._checking = ""
        """Line that is being checked."""

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.prevent_default()
        line = event.value.strip()
        if not line:
            self.dismiss("")
        elif line != self._checking:
            self._checking = line
            self.run_worker(partial(self._look, line), group="path", thread=True)
            self.set_timer(SLOW_SECONDS, partial(self._say_slow, line))

    def _look(self, line: str) -> None:
        """Check the path, in a thread."""
        given, wrong = line, ""
        try:
            path = expanded(line)
            given = str(path)
            self._look_at(path)
        except DlecError as error:
            wrong = str(error)
        except OSError as error:
            wrong = f"{shown(line)}: {system_reason(error)}"
        except ValueError as error:  # a NUL
            wrong = f"{shown(line)} is not a valid path: {error}"
        self.post_message(self.Looked(line, given, wrong))

    def _say_slow(self, line: str) -> None:
        if self._checking == line:
            self.say_wrong(f"{shown(line)} is being checked; the disk does not respond (Esc: cancel)")

    @on(Looked)
    def _answer(self, message: Looked) -> None:
        if message.line != self._checking or not self.is_current:
            return
        self._checking = ""
        if message.wrong:
            self.say_wrong(message.wrong)
        else:
            self.dismiss(message.given)
