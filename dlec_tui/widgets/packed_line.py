"""Parts of a sentence in as many lines as there are; what has no room is left out behind an ellipsis."""

from collections.abc import Sequence

from textual.events import Resize
from textual.widgets import Static

from dlec_tui.wording import packed


class PackedLine(Static):
    """The most important part first. Its height is its style's, whatever it says."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._parts: tuple[str, ...] = ()

    def show(self, parts: Sequence[str]) -> None:
        """Draws only what has changed."""
        if tuple(parts) != self._parts:
            self._parts = tuple(parts)
            self._pack()

    def on_resize(self, _event: Resize) -> None:
        self._pack()

    def _pack(self) -> None:
        width, height = self.content_size
        self.update("\n".join(packed(self._parts, ", ", width, height)), layout=False)
