"""A question before something that cannot be taken back."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from dlec_tui.widgets.overlay import Overlay


class Question(Overlay[bool]):
    """Gives True for yes. No has the focus: Enter by habit does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="question.yes"),
        Binding("n,q,escape,ctrl+c", "answer(False)", "no", id="question.no"),
        Binding("left,right,h,l", "app.focus_next", "the other one", id="question.other"),
    ]
    DEFAULT_CSS = """
    Question Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    Question Button { margin-left: 2; }
    """
    AUTO_FOCUS = "#no"

    def __init__(self, question: str, *, yes: str = "yes") -> None:
        """question: what is asked, with sizes and paths, escaped; yes: what happens then, in a word or two."""
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(self._question, markup=False)
            with Horizontal():
                yield Button(f"{self._yes} (y)", id="yes", compact=True)
                yield Button("no (n)", id="no", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
