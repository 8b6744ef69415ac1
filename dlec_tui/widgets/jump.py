"""A letter on everything that can have the focus; typing it goes there."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label

_LETTERS = "asdfghjklwertuiopzxcvbnm"
"""The ones under the fingers first; q closes."""


class Jump(ModalScreen[Widget | None]):
    """Gives the widget that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+o,ctrl+c", "dismiss", "stay", id="jump.stay")]
    DEFAULT_CSS = """
    Jump { background: transparent; layers: letters; }
    Jump Label {
        position: absolute; padding: 0 1; background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    def __init__(self, targets: Sequence[Widget]) -> None:
        """targets: in the order in which they get their letters; those out of view get none."""
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
