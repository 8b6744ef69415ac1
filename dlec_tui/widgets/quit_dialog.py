"""Asked on leaving while jobs run: they keep running unless the user wants otherwise."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from dlec_tui.session.leaving import Leaving
from dlec_tui.widgets.overlay import Overlay

_CHOICES = """\
Enter   leave; it keeps running
w       leave, and print how to watch it
c       cancel it and leave
Esc     stay"""


class QuitDialog(Overlay[Leaving | None]):
    """Gives None for staying."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+c,ctrl+q", "choose('LEAVE')", "leave", id="quit.leave"),
        Binding("w", "choose('WATCH')", "watch", id="quit.watch"),
        Binding("c", "choose('CANCEL')", "cancel", id="quit.cancel"),
        Binding("escape,q,n", "dismiss", "stay", id="quit.stay"),
    ]

    def __init__(self, running: str, number: int) -> None:
        """running: the jobs, a line each."""
        super().__init__()
        self._said = running
        self._number = number

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "a job is running" if self._number == 1 else f"{self._number} jobs are running"
            yield Static(self._said, markup=False)
            yield Static()
            yield Static(_CHOICES if self._number == 1 else _plural(_CHOICES), markup=False)

    def action_choose(self, name: str) -> None:
        self.dismiss(Leaving[name])


def _plural(text: str) -> str:
    return text.replace("it keeps", "they keep").replace(" it", " them")
