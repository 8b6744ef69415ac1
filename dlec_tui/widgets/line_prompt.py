"""Asks for one line of text."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.suggester import Suggester
from textual.widgets import Input, Static

from dlec_tui.widgets.overlay import Overlay

Check = Callable[[str], str]
"""What is wrong with a line; "" when nothing is."""


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
