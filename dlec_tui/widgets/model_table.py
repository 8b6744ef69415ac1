"""Table of models, with as many columns as fit."""

from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import DataTable

from dlec_tui.models.listing import COLUMNS, Column, FoundModel, cells, columns_for, leads_to, matches, name_width
from dlec_tui.wording import elided

Cells: TypeAlias = tuple[str | Text, ...]


class Rows(DataTable[str | Text]):
    """Rows under a header; the cursor is a whole row. Strings are literal text."""

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


def number(text: str) -> Text:
    """Right-aligned cell or header."""
    return Text(text, justify="right")


def without_enter(usual: Iterable[BindingType]) -> list[BindingType]:
    """Bindings of a table whose pane defines Enter itself, so that the key line shows it."""
    return [each for each in usual if isinstance(each, Binding) and each.key != "enter"]


class ModelTable(Rows, inherit_bindings=False):
    """Table of models that grows during a search."""

    BINDINGS: ClassVar[list[BindingType]] = [*without_enter(DataTable.BINDINGS), *Rows.BINDINGS]
    DEFAULT_CSS = "ModelTable { height: 1fr; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._models: list[FoundModel] = []
        self._shown: list[FoundModel] = []
        self._columns = columns_for(0)
        self._width = 0
        self.filter_text = ""
        """Words that all shown models contain."""

    @property
    def current(self) -> FoundModel | None:
        """Selected model."""
        return self._shown[self.cursor_row] if 0 <= self.cursor_row < len(self._shown) else None

    @property
    def total(self) -> int:
        return len(self._models)

    def on_resize(self, event: Resize) -> None:
        if event.size.width != self._width:
            self._width, self._columns = event.size.width, columns_for(self.app.size.width)
            self.clear(columns=True)
            for column in self._columns:
                title = number(column.title) if column.is_number else column.title
                self.add_column(title, width=column.width or self._name_width)
            self._refill()

    @property
    def _name_width(self) -> int:
        """Width of the name column. Room for the scroll bar is always reserved, so that columns do not move."""
        return name_width(self._columns, self._width - self.styles.scrollbar_size_vertical)

    def extend(self, models: Iterable[FoundModel]) -> None:
        """Add models."""
        for model in models:
            self._models.append(model)
            self._append_if_wanted(model)

    def replace(self, models: Iterable[FoundModel]) -> None:
        """Show these models; the cursor stays on its model."""
        self._models = list(models)
        self._refill()

    def filter(self, filter_text: str) -> None:
        self.filter_text = filter_text
        self._refill()

    def go_to(self, reference: str) -> bool:
        """Select a model, or the first one in a directory. Return False without a match."""
        places = (at for at, model in enumerate(self._shown) if leads_to(reference, model.reference))
        place = next(places, None)
        if place is not None:
            self.move_cursor(row=place)
        return place is not None

    def _refill(self) -> None:
        before = self.current
        self.clear()
        self._shown = []
        for model in self._models:
            self._append_if_wanted(model)
        if before:
            self.go_to(before.reference)

    def _append_if_wanted(self, model: FoundModel) -> None:
        if matches(model, self.filter_text):
            self._shown.append(model)
            if self.columns:
                self.add_row(*self._cells(model))

    def _cells(self, model: FoundModel) -> Cells:
        pairs = [(column, text) for column, text in zip(COLUMNS, cells(model), strict=True) if column in self._columns]
        return tuple(_cell(text, column.width or self._name_width, column) for column, text in pairs)


def _cell(text: str, width: int, column: Column) -> str | Text:
    short = elided(text, width)
    return number(short) if column.is_number else short
