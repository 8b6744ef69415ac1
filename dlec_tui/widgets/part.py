"""A framed part of a pane, whose frame lights up while something in it has the focus."""

from textual.containers import Vertical


class Part(Vertical):
    """A frame with a title."""

    DEFAULT_CSS = """
    Part { border: round $foreground 30%; border-title-color: $text-muted; height: 100%; padding: 0 1; }
    Part:focus-within { border: round $accent; border-title-color: $accent; border-title-style: bold; }
    """

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self.border_title = title
