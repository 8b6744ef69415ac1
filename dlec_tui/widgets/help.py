"""What the keys do and what to type next, over the screen."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

HELP = """\
up down  j k   move in a list
tab            the next list
enter          read the plan under the cursor
c              the next two curves
r              read the store again
?              this help
q              leave, or go back

This screen reads what was measured; it changes nothing. What fills it:

dlec profile MODEL                   the curves, from one pass over a text
dlec score MODEL --metric ...        what running layers twice does
dlec plan new dlec MODEL ...         a plan because of what was measured
dlec preview PLAN                    how much worse or better it predicts

influence    how far a layer turns the residual stream: 1 - cosine
rel. update  how much it adds to it, relative to what is there
second pass  how far a second run moves its own output
repeated     what visiting it twice costs, in nats a token"""


class Help(ModalScreen[None]):
    """The keys and the words."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,question_mark,f1,escape", "dismiss", "back", id="help.back")]
    DEFAULT_CSS = """
    Help { align: center middle; background: $background; }
    Help > VerticalScroll { border: round $accent; padding: 0 1; width: 78; height: auto; max-height: 100%; }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "help (q: back)"
            yield Static(HELP, markup=False)
