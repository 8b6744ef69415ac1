"""Table of millions of neurons: only visible pages are read, in threads."""

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import get_current_worker

from dlec_tui.measurements.neurons import NeuronRows, NeuronView, header_line, neuron_line, neuron_rows, no_neurons
from engine.errors import DlecError, shown
from engine.store.keys import MeasurementKey
from engine.store.neurons import PAGE_ROWS, NeuronOrder, NeuronStatistics
from engine.units import plural

MOST_PAGES = 20
"""Maximum number of cached pages; the least recently used one is dropped."""
_AHEAD = 50
"""Rows beyond the visible ones that are read in advance."""
_HEADER = 1


class NeuronTable(ScrollView, can_focus=True):
    """Rows under a header; the cursor is a whole row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="neurons.up"),
        Binding("down,j", "move(1)", "down", show=False, id="neurons.down"),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False, id="neurons.page_up"),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False, id="neurons.page_down"),
        Binding("home,g", "first", "first", show=False, id="neurons.first"),
        Binding("end,G", "last", "last", show=False, id="neurons.last"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"neuron-table--header", "neuron-table--cursor"}
    DEFAULT_CSS = """
    NeuronTable { height: 1fr; scrollbar-size-horizontal: 0; overflow-x: hidden; }
    NeuronTable .neuron-table--header { color: $text-muted; }
    NeuronTable .neuron-table--cursor { color: $accent; text-style: bold; }
    NeuronTable:focus .neuron-table--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    class Moved(Message):
        """The cursor has moved, or the selected neuron was read."""

    class _Read(Message):
        """A page was read."""

        def __init__(self, rows: NeuronRows, number: int, page: tuple[NeuronStatistics, ...]) -> None:
            super().__init__()
            self.rows, self.number, self.page = rows, number, page

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: NeuronRows | None = None
        self._pages: OrderedDict[int, tuple[NeuronStatistics, ...]] = OrderedDict()
        self._awaited: set[int] = set()
        self.row = 0
        """Selected row."""

    @property
    def current(self) -> NeuronStatistics | None:
        """Selected neuron; None without one, or before its page is read."""
        return self._neuron(self.row)

    @property
    def row_count(self) -> int:
        return self._rows.count if self._rows else 0

    @property
    def shown_view(self) -> NeuronView | None:
        """Sorting and filter of the rows; None before there are rows."""
        return self._rows.view if self._rows else None

    def show(self, rows: NeuronRows, row: int = 0) -> None:
        """Show other rows, with the cursor on one of them."""
        self._rows, self.row = rows, -1
        self._pages.clear()
        self._awaited.clear()
        self._set_size()
        self.go_to(row)
        self.refresh()

    def go_to(self, row: int) -> None:
        """Select a row, limited to existing rows."""
        row = min(max(row, 0), max(self.row_count - 1, 0))
        if row == self.row:
            return
        before, self.row = self.row, row
        self._scroll_into_view()
        self.refresh_lines(before + _HEADER, 1)
        self.refresh_lines(row + _HEADER, 1)
        self._read_around()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        self.go_to(self.row + by)

    def action_page(self, by: int) -> None:
        self.go_to(self.row + by * max(self._visible, 1))

    def action_first(self) -> None:
        self.go_to(0)

    def action_last(self) -> None:
        self.go_to(self.row_count - 1)

    def on_resize(self, _event: Resize) -> None:
        self._set_size()
        self._scroll_into_view()
        self._read_around()

    def watch_scroll_y(self, before: float, after: float) -> None:
        super().watch_scroll_y(before, after)
        self._read_around()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        view = self.shown_view or NeuronView()
        if y < _HEADER:
            style = self.get_component_rich_style("neuron-table--header", partial=True)
            return self._strip(header_line(view, width), style)
        if self._rows and not self._rows.count:
            said = no_neurons(self._rows.view)
            return self._strip(said[y - _HEADER] if y - _HEADER < len(said) else "", Style())
        row = self.scroll_offset.y + y - _HEADER
        neuron = self._neuron(row)
        if row >= self.row_count or neuron is None:
            return self._strip("", Style())
        row_style = self.get_component_rich_style("neuron-table--cursor", partial=True) if row == self.row else Style()
        return self._strip(neuron_line(neuron, view, width), row_style)

    def _strip(self, text: str, style: Style) -> Strip:
        width = self.size.width
        return Strip([Segment(text, style)]).adjust_cell_length(width, style).apply_style(self.rich_style)

    @property
    def _visible(self) -> int:
        """Number of visible rows."""
        return max(self.size.height - _HEADER, 0)

    def _set_size(self) -> None:
        self.virtual_size = Size(self.size.width, self.row_count + _HEADER)

    def _scroll_into_view(self) -> None:
        top = self.scroll_offset.y
        if self.row < top:
            self.scroll_to(y=self.row, animate=False, immediate=True)
        elif self.row >= top + self._visible > 0:
            self.scroll_to(y=self.row - self._visible + 1, animate=False, immediate=True)

    def _neuron(self, row: int) -> NeuronStatistics | None:
        page = self._pages.get(row // PAGE_ROWS)
        at = row % PAGE_ROWS
        return page[at] if page and row >= 0 and at < len(page) else None

    def _read_around(self) -> None:
        """Read the visible pages and their neighbours."""
        first, last = self.scroll_offset.y - _AHEAD, self.scroll_offset.y + self._visible + _AHEAD
        for row in (self.row, first, last):
            if 0 <= row < self.row_count:
                self._want(row // PAGE_ROWS)

    def _want(self, number: int) -> None:
        if number in self._pages:
            self._pages.move_to_end(number)
        elif self._rows and number not in self._awaited:
            self._awaited.add(number)
            rows = self._rows
            self.run_worker(lambda: self._read(rows, number), group=f"page {number}", thread=True)

    def _read(self, rows: NeuronRows, number: int) -> None:
        """Read a page, in a thread."""
        if rows is self._rows:
            try:
                page = rows.page(number)
            except DlecError as error:
                self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
            else:
                self.post_message(self._Read(rows, number, page))

    def on_neuron_table__read(self, message: _Read) -> None:
        if message.rows is not self._rows:
            return
        self._awaited.discard(message.number)
        self._pages[message.number] = message.page
        while len(self._pages) > MOST_PAGES:
            self._pages.popitem(last=False)
        self.refresh()
        if self.row // PAGE_ROWS == message.number:
            self.post_message(self.Moved())


class NeuronBrowser(NeuronTable):
    """All neurons of a profile. Threads read the rows: a filter searches every neuron."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "by_layer(-1)", "layer before", show=False, id="neurons.left"),
        Binding("right,l", "by_layer(1)", "layer after", show=False, id="neurons.right"),
    ]

    class _Found(Message):
        """Rows of a view."""

        def __init__(self, rows: NeuronRows, row: int) -> None:
            super().__init__()
            self.rows, self.row = rows, row

    def __init__(self, store: Path, *, id: str) -> None:
        super().__init__(id=id)
        self._store = store
        self.key: MeasurementKey | None = None
        self.view = NeuronView()
        """Requested view."""

    def open(self, key: MeasurementKey, view: NeuronView, row: int = 0) -> None:
        """Show the neurons of a profile."""
        self.key, self.view = key, view
        self.run_worker(lambda: self._look(key, view, row), group="look", thread=True, exclusive=True)

    def sort(self) -> None:
        """Sort by the next column."""
        self._change(self.view.next_order())

    def reverse(self) -> None:
        """Reverse the order."""
        self._change(self.view.reversed())

    def filter(self, filter_text: str) -> None:
        """Show only matching neurons."""
        self._change(replace(self.view, filter_text=filter_text))

    def go_to_layer(self, layer: int) -> None:
        """Select the first neuron of a layer; if rows are not sorted by layer, filter by it."""
        if self.key is None:
            return
        if self.view == NeuronView():
            rows = NeuronRows(self._store, self.key, self.view, self.row_count)
            self.run_worker(lambda: self._find_layer(rows, layer), group="layer", thread=True, exclusive=True)
        else:
            self.filter(f"layer {layer}")

    def _find_layer(self, rows: NeuronRows, layer: int) -> None:
        """Find the first row of a layer, in a thread."""
        worker = get_current_worker()
        try:
            row = rows.row_of_layer(layer) or 0
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
        else:
            if not worker.is_cancelled:
                self.app.call_from_thread(self._go_to_found, rows, row)

    def _go_to_found(self, rows: NeuronRows, row: int) -> None:
        if (rows.view, rows.key) == (self.view, self.key):
            self.go_to(row)

    def action_by_layer(self, by: int) -> None:
        if self.current:
            self.go_to_layer(max(self.current.layer + by, 0))

    @property
    def described(self) -> str:
        """The view in words: "1,234 neurons by peak, filter: layer 3"."""
        by = {NeuronOrder.SHARE_ACTIVE: "share active"}.get(self.view.order, str(self.view.order))
        filtered = f", filter: {shown(self.view.filter_text)}" if self.view.filter_text else ""
        return f"{plural(self.row_count, 'neuron')} by {by}{filtered}"

    def _change(self, view: NeuronView) -> None:
        if self.key is not None:
            self.open(self.key, view)

    def _look(self, key: MeasurementKey, view: NeuronView, row: int) -> None:
        """Read the rows of a view, in a thread."""
        worker = get_current_worker()
        try:
            rows = neuron_rows(self._store, key, view, lambda: worker.is_cancelled)
        except DlecError as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
        else:
            self.post_message(self._Found(rows, row))

    def on_neuron_browser__found(self, message: _Found) -> None:
        if message.rows.view == self.view and message.rows.key == self.key:
            self.show(message.rows, message.row)
