"""Stands in the place of the panes where the terminal is too small for them."""

from textual.events import Resize
from textual.widgets import Static

COLUMNS, LINES = 60, 18
"""That the panes need."""


class SizeGate(Static):
    """Says what there is and what is needed."""

    DEFAULT_CSS = "SizeGate { height: 1fr; content-align: center middle; text-align: center; }"

    def on_resize(self, event: Resize) -> None:  # noqa: ARG002
        width, height = self.app.size
        self.update(f"The terminal is {width}x{height}.\ndlec needs {COLUMNS}x{LINES}.")
