"""Option lists with one cursor style, and the list of recipes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import OptionList

from dlec_tui.widgets.dialogs import Overlay


class Options(OptionList):
    """Options with the cursor style of all lists."""

    DEFAULT_CSS = """
    Options { border: none; padding: 0; background: transparent; scrollbar-size-vertical: 1; overflow-x: hidden; }
    Options:focus { border: none; background: transparent; background-tint: transparent; }
    Options > .option-list--option { padding: 0; }
    Options > .option-list--option-highlighted {
        color: $foreground; background: $panel; text-style: $block-cursor-blurred-text-style;
    }
    Options:focus > .option-list--option-highlighted, Options.-driven > .option-list--option-highlighted {
        color: $block-cursor-foreground; background: $block-cursor-background;
        text-style: $block-cursor-text-style;
    }
    """

    def render_line(self, y: int) -> Strip:
        """Draw the selected line in one style: other tones may be unreadable on its background."""
        strip = super().render_line(y)
        if not any(segment.style and segment.style.meta.get("option") == self.highlighted for segment in strip):
            return strip
        cursor = self.get_component_rich_style("option-list--option-highlighted")
        return Strip([Segment(text, (style + cursor) if style else cursor) for text, style, _ in strip])


@dataclass(frozen=True, slots=True)
class Way:
    """One line of the list."""

    key: str
    """Result if this line is chosen."""
    name: str
    description: str


class RecipeList(Overlay[str | None]):
    """Returns the key of the chosen line, or None after Esc."""

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
            box.border_title = "new plan (Enter: select, q: back)"
            yield Options(*map(_way_content, self._ways), markup=False, compact=True)

    @on(Options.OptionSelected)
    def _chosen(self, event: Options.OptionSelected) -> None:
        self.dismiss(self._ways[event.option_index].key)

    async def action_move(self, how: str) -> None:
        await self.app.run_action(how, self.query_one(Options))


def _way_content(way: Way) -> Content:
    return Content.styled(f"{way.name:<13}", "bold").append(Content(way.description))
