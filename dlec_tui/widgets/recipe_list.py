"""Which recipe, or which of the plans that jobs have proposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from dlec_tui.widgets.options import Options
from dlec_tui.widgets.overlay import Overlay


@dataclass(frozen=True, slots=True)
class Way:
    """One line of the list."""

    key: str
    """What is given when it is chosen."""
    name: str
    about: str


class RecipeList(Overlay[str | None]):
    """Gives the key of what was chosen, or None when it was left with Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,N,ctrl+c", "dismiss(None)", "back", id="recipes.back"),
        Binding("j", "move('cursor_down')", "down", show=False, id="recipes.down"),
        Binding("k", "move('cursor_up')", "up", show=False, id="recipes.up"),
    ]
    DEFAULT_CSS = """
    RecipeList Options { height: auto; max-height: 16; }
    """

    def __init__(self, ways: Sequence[Way]) -> None:
        super().__init__()
        self._ways = ways

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "a new plan (Enter chooses, q: back)"
            yield Options(*map(_content, self._ways), markup=False, compact=True)

    @on(Options.OptionSelected)
    def _chosen(self, event: Options.OptionSelected) -> None:
        self.dismiss(self._ways[event.option_index].key)

    async def action_move(self, how: str) -> None:
        await self.app.run_action(how, self.query_one(Options))


def _content(way: Way) -> Content:
    return Content.styled(f"{way.name:<13}", "bold").append(Content(way.about))
