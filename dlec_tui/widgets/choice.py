"""One of several words, gone through with left and right."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from dlec_tui.terminal.glyphs import GLYPHS


class Choice(Static, can_focus=True):
    """Shows the word that is chosen, and how many others there are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "next(1)", "the next", show=False, id="choice.next"),
        Binding("left,h", "next(-1)", "the one before", show=False, id="choice.before"),
    ]
    DEFAULT_CSS = """
    Choice { height: 1; }
    Choice:focus { color: $accent; text-style: bold; }
    """

    def __init__(self, choices: Sequence[str], value: str, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._choices = tuple(choices)
        self.value = value
        """The one that is chosen."""

    def on_mount(self) -> None:
        self.action_next(0)

    def action_next(self, by: int) -> None:
        at = (self._choices.index(self.value) + by) % len(self._choices)
        self.value = self._choices[at]
        line = GLYPHS.dot.join(f" {'[' + each + ']' if each == self.value else each} " for each in self._choices)
        self.update(line.strip())
