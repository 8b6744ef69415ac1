"""Asked before a merge is cancelled: what it has written may be kept, to be continued."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from dlec_tui.widgets.overlay import Overlay
from engine.store.job_states import Stop


class CancelQuestion(Overlay[Stop | None]):
    """Gives None for no. No has the focus: Enter by habit does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('discard')", "remove it", id="cancel.discard"),
        Binding("k", "answer('keep')", "keep it", id="cancel.keep"),
        Binding("n,q,escape,ctrl+c", "dismiss(None)", "no", id="cancel.no"),
        Binding("right,l", "app.focus_next", "the next one", id="cancel.next"),
        Binding("left,h", "app.focus_previous", "the one before", id="cancel.previous"),
    ]
    DEFAULT_CSS = """
    CancelQuestion Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    CancelQuestion Button { margin-left: 2; }
    """
    AUTO_FOCUS = "#no"

    def __init__(self, question: str) -> None:
        """question: what is asked, escaped."""
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(self._question, markup=False)
            with Horizontal():
                yield Button("cancel and remove (y)", id=Stop.DISCARD.value, compact=True)
                yield Button("cancel and keep (k)", id=Stop.KEEP.value, compact=True)
                yield Button("no (n)", id="no", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(next((stop for stop in Stop if stop.value == event.button.id), None))

    def action_answer(self, stop: str) -> None:
        self.dismiss(Stop(stop))
