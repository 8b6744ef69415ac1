"""The last line: what the most important keys do here.

Textual's own footer makes a widget of every key, and makes all of them anew whenever one is greyed out: a tenth of a
second at the start, and several kilobytes each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.widget import Widget

_GAP = " "
_EVERYWHERE = 3
"""Keys at the end of the line that are the same in every pane: help, palette, quit."""


@dataclass(frozen=True, slots=True)
class LineKey:
    """One key with what it does."""

    key: str
    """As Textual names it."""
    shown: str
    does: str
    can: bool
    """Whether it does that now."""

    @property
    def content(self) -> Content:
        if not self.can:
            return Content.styled(f"{self.shown} {self.does}", "$text-disabled")
        return Content.assemble((self.shown, "bold $footer-key-foreground"), " ", self.does)


def _width_of(keys: Sequence[LineKey]) -> int:
    return sum(key.content.cell_length for key in keys) + len(_GAP) * (len(keys) - 1)


class KeyLine(Widget):
    """Follows the focus, and what can be done."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine { height: 1; text-wrap: nowrap; color: $footer-description-foreground; background: $footer-background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[LineKey, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._look())

    def render(self) -> Content:
        return Content(_GAP).join(key.content for key in self._fitting())

    def on_resize(self) -> None:
        self.refresh()

    def _fitting(self) -> tuple[LineKey, ...]:
        """As many as there is room for as a whole; the last ones are everywhere, so they stay."""
        keys = list(self._keys)
        while len(keys) > _EVERYWHERE and _width_of(keys) > self.size.width:
            del keys[-_EVERYWHERE - 1]
        return tuple(keys)

    def on_click(self, event: Click) -> None:
        """As if the key were pressed."""
        at = 0
        for key in self._fitting():
            at += key.content.cell_length + len(_GAP)
            if event.x < at:
                self.app.simulate_key(key.key)
                return

    def _look(self) -> None:
        keys = {
            binding.action: LineKey(binding.key, self.app.get_key_display(binding), binding.description, enabled)
            for _, binding, enabled, _ in reversed(self.screen.active_bindings.values())
            if binding.show
        }
        shown = tuple(reversed(keys.values()))  # an action's first key stands for it
        if shown != self._keys:
            self._keys = shown
            self.refresh()
