"""Model card of a merged checkpoint, over the screen."""

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message

from dlec_tui.widgets.dialogs import Overlay
from dlec_tui.wording import printable
from engine.errors import DlecError, machine_error

CARD_FILE = "README.md"
_MOST_CHARACTERS = 200_000


def card_text(directory: Path) -> str:
    """Model card without its YAML metadata. Raises MachineError if it is missing or unreadable."""
    path = directory / CARD_FILE
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_CHARACTERS)
    except OSError as error:
        raise machine_error(f"no model card at {path}", error) from error
    return printable(_without_metadata(text))


def _without_metadata(text: str) -> str:
    _, mark, rest = text.partition("\n---\n")
    return rest if mark and text.startswith("---\n") else text


class CardView(Overlay[None]):
    """Markdown that can be scrolled; read in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,c,enter,escape,ctrl+c", "dismiss", "back", id="card.back"),
        Binding("j,down", "scroll(1)", "down", show=False, id="card.down"),
        Binding("k,up", "scroll(-1)", "up", show=False, id="card.up"),
    ]
    DEFAULT_CSS = """
    CardView > .box { width: 100; height: 100%; }
    CardView Markdown { padding: 0; background: transparent; }
    """

    class Read(Message):
        """Text of the card."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, directory: Path) -> None:
        """directory: of the checkpoint."""
        super().__init__()
        self._directory = directory

    def compose(self) -> ComposeResult:
        box = VerticalScroll(classes="box")
        box.border_title = "model card (q: back)"
        yield box

    def on_mount(self) -> None:
        self._read()

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    @work(group="card", thread=True)
    def _read(self) -> None:
        try:
            self.post_message(self.Read(card_text(self._directory)))
        except DlecError as error:
            self.post_message(self.Read(printable(str(error))))

    @on(Read)
    def _show(self, event: Read) -> None:
        from textual.widgets import Markdown  # it loads a parser, for which there is no need before

        self.query_one(VerticalScroll).mount(Markdown(event.text, open_links=False))
