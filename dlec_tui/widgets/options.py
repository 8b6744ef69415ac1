"""A list to choose from, whose cursor's line has one colour, whatever colours the texts have."""

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import OptionList


class Options(OptionList):
    """The cursor is as in every other list."""

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
        """A tone that suits the ground of the list need not suit the cursor's."""
        strip = super().render_line(y)
        if not any(segment.style and segment.style.meta.get("option") == self.highlighted for segment in strip):
            return strip
        cursor = self.get_component_rich_style("option-list--option-highlighted")
        return Strip([Segment(text, (style + cursor) if style else cursor) for text, style, _ in strip])
