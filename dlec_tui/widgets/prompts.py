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
    """A line in which Tab takes what is suggested."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "cursor_right", "complete", id="prompt.complete")]


class LinePrompt(Overlay[str | None]):
    """Gives the line, or None when it was left with Esc."""

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
        """title: what the line is; hint: how it is written; check: asked before the line is given."""
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
        """Below the line, which stays as it was typed."""
        self.query_one("#wrong", Static).update(wrong)
        self.query_one("#wrong").display = True


Look = Callable[[Path], object]
"""Raises DlecError, OSError or ValueError for a path that cannot be used."""
SLOW_SECONDS = 0.5
"""After which the prompt says that the disk does not answer."""


def can_be_looked_at(path: Path) -> None:
    """A path that need not exist. Raises OSError for one that cannot: a name that is too long, no permission."""
    try:
        os.stat(path)  # noqa: PTH116 (Path.exists hides some errors, and raises others)
    except FileNotFoundError:
        return


class PathPrompt(LinePrompt):
    """Gives the path with `~` written out, or None when it was left with Esc; stays open while it cannot be used."""

    class Looked(Message):
        """Result of checking a path."""

        def __init__(self, line: str, given: str, wrong: str) -> None:
            """given: the path to give; wrong: why it cannot be used; "" when it can."""
            super().__init__()
            self.line, self.given, self.wrong = line, given, wrong

    def __init__(
        self, title: str, hint: str, *, text: str = "", suffixes: tuple[str, ...] = (), look: Look = can_be_looked_at
    ) -> None:
        """Prompt for a path. suffixes: of files to suggest, in addition to directories; look: check in a thread."""
        super().__init__(title, hint, text=text, suggester=PathSuggester(*suffixes))
        self._look_at = look
        self._checking = ""
        """The line that is being looked at."""

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
