"""A plan in full, over the screen."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dlec_tui.models.stored import StoredResult
from dlec_tui.wording import harm, printable
from engine.text.corpus import Split


class PlanText(ModalScreen[None]):
    """The YAML of a plan, and its result in figures."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter,escape", "dismiss", "back", id="plan.back")]
    DEFAULT_CSS = """
    PlanText { align: center middle; background: $background; }
    PlanText > VerticalScroll { border: round $accent; padding: 0 1; max-width: 120; }
    """

    def __init__(self, tried: StoredResult) -> None:
        super().__init__()
        self._tried = tried

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "plan (q: back)"
            yield Static(Text("\n".join([*result_lines(self._tried), "", printable(self._tried.plan_text)])))


def result_lines(tried: StoredResult) -> list[str]:
    result = tried.result
    text = f"{result.tokens:,} tokens in {result.sequences} sequences of the {Split(result.split).label}"
    on = f"{text}, {result.key.dtype}"
    nll = f"NLL {result.base_nll:.4f} to {result.plan_nll:.4f} nats a token"
    same = f"KL {result.kl:.4f}; the same first choice for {result.top1_agreement:.1%} of the tokens"
    return [harm(result.delta_nll, result.low, result.high), nll, same, on]
