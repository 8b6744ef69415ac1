"""Framed parts of a pane; zooming one, and jumping to one by letter."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label


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
        """Set the title and the text in the lower edge, both literal. Redrawn only after a change."""
        if (title, below) != self._titles:
            self._titles = title, below
            self.border_title, self.border_subtitle = Content(title), Content(below)


HIDDEN, GROWN = "-hidden-by-zoom", "-zoomed"
ZOOM_CSS = f"""
.{HIDDEN} {{ display: none !important; }}
.{GROWN} {{
    display: block !important; width: 1fr !important; height: 1fr !important;
    max-width: 100% !important; max-height: 100% !important;
}}
"""


def is_zoomed(pane: Widget) -> bool:
    return bool(pane.query(f".{GROWN}"))


def zoom(pane: Widget, focused: Widget) -> None:
    """Hide everything in the pane except the part that contains `focused`."""
    node = next((node for node in focused.ancestors_with_self if isinstance(node, Part)), focused)
    while isinstance(node, Widget) and node is not pane and isinstance(node.parent, Widget):
        node.add_class(GROWN)
        for sibling in node.parent.children:
            if sibling is not node:
                sibling.add_class(HIDDEN)
        node = node.parent


def unzoom(pane: Widget) -> None:
    for widget in pane.query(f".{GROWN}, .{HIDDEN}"):
        widget.remove_class(GROWN, HIDDEN)


_LETTERS = "asdfghjklwertuiopzxcvbnm"
"""Letters in order of reach; q closes."""


class Jump(ModalScreen[Widget | None]):
    """Returns the chosen widget."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+o,ctrl+c", "dismiss", "stay", id="jump.stay")]
    DEFAULT_CSS = """
    Jump { background: transparent; layers: letters; }
    Jump Label {
        position: absolute; padding: 0 1; background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    def __init__(self, targets: Sequence[Widget]) -> None:
        """targets: widgets in the order of their letters; invisible ones get none."""
        super().__init__()
        in_view = [target for target in targets if target.is_on_screen and target.region.area]
        self._targets = dict(zip(_LETTERS, in_view, strict=False))

    def compose(self) -> ComposeResult:
        for letter, target in self._targets.items():
            label = Label(letter, markup=False)
            label.styles.offset = target.region.offset
            yield label

    def on_key(self, event: Key) -> None:
        if event.key in self._targets:
            event.stop()
            self.dismiss(self._targets[event.key])
