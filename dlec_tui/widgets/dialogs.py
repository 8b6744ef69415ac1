"""Dialogs: a box over the screen, and questions before irreversible changes."""

from enum import Enum, auto
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from engine.store.job_states import Stop

Answer = TypeVar("Answer")


class Overlay(ModalScreen[Answer]):
    """Its first child is the box. Nothing is dimmed: that would send the whole screen again."""

    DEFAULT_CSS = """
    Overlay { align: center middle; background: transparent; }
    Overlay > .box {
        background: $surface; border: round $accent; border-title-color: $accent; border-title-style: bold;
        padding: 0 1; width: 80; max-width: 100%; height: auto; max-height: 100%;
    }
    """


class Question(Overlay[bool]):
    """Gives True for yes. No has the focus: Enter by habit does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="question.yes"),
        Binding("n,q,escape,ctrl+c", "answer(False)", "no", id="question.no"),
        Binding("left,right,h,l", "app.focus_next", "other button", id="question.other"),
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


class CancelQuestion(Overlay[Stop | None]):
    """Gives None for no. No has the focus: Enter by habit does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('discard')", "delete output", id="cancel.discard"),
        Binding("k", "answer('keep')", "keep output", id="cancel.keep"),
        Binding("n,q,escape,ctrl+c", "dismiss(None)", "no", id="cancel.no"),
        Binding("right,l", "app.focus_next", "next button", id="cancel.next"),
        Binding("left,h", "app.focus_previous", "previous button", id="cancel.previous"),
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
                yield Button("cancel, delete output (y)", id=Stop.DISCARD.value, compact=True)
                yield Button("cancel, keep output (k)", id=Stop.KEEP.value, compact=True)
                yield Button("no (n)", id="no", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(next((stop for stop in Stop if stop.value == event.button.id), None))

    def action_answer(self, stop: str) -> None:
        self.dismiss(Stop(stop))


_CHOICES = """\
Enter   quit; it keeps running
w       quit and print the command that follows it
c       cancel it and quit
Esc     stay"""


class Leaving(Enum):
    """Choice for the running jobs."""

    LEAVE = auto()
    WATCH = auto()
    """Leave, and be told how to watch them line by line."""
    CANCEL = auto()


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
