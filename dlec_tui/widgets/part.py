"""A framed part of a pane, whose frame lights up while something in it has the focus."""

from textual.containers import Vertical
from textual.content import Content


class Part(Vertical):
    """A frame with a title."""

    DEFAULT_CSS = """
    Part {
        border: round $foreground 30%; border-title-color: $text-muted; border-subtitle-color: $text-muted;
        height: 100%; padding: 0 1;
    }
    Part:focus-within { border: round $accent; border-title-color: $accent; border-title-style: bold; }
    """

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self._titles: tuple[str, str] | None = None
        self.entitle(title)

    def entitle(self, title: str, below: str = "") -> None:
        """Have another title, and text in the lower edge; what looks like markup is text. Redrawn only when changed."""
        if (title, below) != self._titles:
            self._titles = title, below
            self.border_title, self.border_subtitle = Content(title), Content(below)
