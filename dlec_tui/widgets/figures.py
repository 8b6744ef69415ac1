"""The figures under a cursor, a line each where there is room."""

from collections.abc import Sequence

from textual.events import Resize
from textual.widgets import Static

from dlec_tui.measurements.readout import fitted


class Figures(Static):
    """What may share lines, and what always has its own at the end."""

    DEFAULT_CSS = "Figures { height: 1fr; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._parts: tuple[str, ...] = ()
        self._below: tuple[str, ...] = ()

    def show(self, parts: Sequence[str], below: Sequence[str]) -> None:
        """Draws only what has changed."""
        if (tuple(parts), tuple(below)) != (self._parts, self._below):
            self._parts, self._below = tuple(parts), tuple(below)
            self._fit()

    def on_resize(self, _event: Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        width, height = self.size
        lines = [*fitted(self._parts, width, height - len(self._below)), *self._below]
        self.update("\n".join(lines), layout=False)
