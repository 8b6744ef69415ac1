"""All that is known of the model under the cursor, as far as there is room; what has none ends in an ellipsis."""

from collections.abc import Sequence

from textual.events import Resize
from textual.widgets import Static

from dlec_tui.wording import wrapped


class ModelDetails(Static):
    """The most important line first."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._lines: tuple[str, ...] = ()

    def show(self, lines: Sequence[str]) -> None:
        """Draws only what has changed."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._wrap()

    def on_resize(self, _event: Resize) -> None:
        self._wrap()

    def _wrap(self) -> None:
        self.update("\n".join(wrapped(self._lines, *self.size)), layout=False)
