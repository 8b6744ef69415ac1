"""A table of few rows, walked with arrows or j and k."""

from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

Cells: TypeAlias = tuple[str | Text, ...]


class Rows(DataTable[str | Text]):
    """Rows under a header; the cursor is a whole row. Text that is no Text is taken literally."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False, id="rows.down"),
        Binding("k", "cursor_up", "up", show=False, id="rows.up"),
        Binding("g", "scroll_top", "first", show=False, id="rows.first"),
        Binding("G", "scroll_bottom", "last", show=False, id="rows.last"),
    ]
    DEFAULT_CSS = """
    Rows { height: 1fr; background: transparent; scrollbar-size-horizontal: 0; }
    Rows > .datatable--header, Rows:ansi > .datatable--header {
        text-style: none; color: $text-muted; background: transparent;
    }
    Rows > .datatable--cursor { background: transparent; color: $accent; text-style: bold; }
    Rows:focus > .datatable--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    def __init__(self, *columns: str | Text, id: str) -> None:
        super().__init__(id=id, cursor_type="row")
        self.add_columns(*columns)

    def refill(self, rows: Iterable[Cells]) -> None:
        """Replace all rows; the cursor stays at its number where there still is such a row."""
        place = self.cursor_row
        self.clear()
        for row in rows:
            self.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
        self.move_cursor(row=min(place, self.row_count - 1))


def number(text: str) -> Text:
    """A cell or a header that stands flush right."""
    return Text(text, justify="right")
