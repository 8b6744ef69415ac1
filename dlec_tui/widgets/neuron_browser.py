"""The neuron table with what keys do to it: sort, filter, go from layer to layer."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from dlec_tui.measurements.neurons import NeuronRows, NeuronView, neuron_rows
from dlec_tui.widgets.neuron_table import NeuronTable
from engine.errors import DlecError, shown
from engine.store.keys import ProfileKey
from engine.store.neurons import NeuronOrder
from engine.units import plural


class NeuronBrowser(NeuronTable):
    """All neurons of a profile. Rows come from threads: a filter looks at every neuron."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "by_layer(-1)", "layer before", show=False, id="neurons.left"),
        Binding("right,l", "by_layer(1)", "layer after", show=False, id="neurons.right"),
    ]

    class _Found(Message):
        """The rows of a view."""

        def __init__(self, rows: NeuronRows, row: int) -> None:
            super().__init__()
            self.rows, self.row = rows, row

    def __init__(self, store: Path, *, id: str) -> None:
        super().__init__(id=id)
        self._store = store
        self.key: ProfileKey | None = None
        self.view = NeuronView()
        """As it was asked for last."""

    def open(self, key: ProfileKey, view: NeuronView, row: int = 0) -> None:
        """Show a profile's neurons."""
        self.key, self.view = key, view
        self.run_worker(lambda: self._look(key, view, row), group="look", thread=True, exclusive=True)

    def sort(self) -> None:
        """By the next column."""
        self._change(self.view.next_order())

    def reverse(self) -> None:
        """The last row first."""
        self._change(self.view.reversed())

    def filter(self, wanted: str) -> None:
        """Only the neurons that the words want."""
        self._change(replace(self.view, wanted=wanted))

    def go_to_layer(self, layer: int) -> None:
        """Put the cursor where a layer begins; in another order than by layer show that layer alone."""
        if self.key is None:
            return
        if self.view == NeuronView():
            rows = NeuronRows(self._store, self.key, self.view, self.row_count)
            self.run_worker(lambda: self._find_layer(rows, layer), group="layer", thread=True, exclusive=True)
        else:
            self.filter(f"layer {layer}")

    def _find_layer(self, rows: NeuronRows, layer: int) -> None:
        """In a thread."""
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
        filtered = f", filter: {shown(self.view.wanted)}" if self.view.wanted else ""
        return f"{plural(self.row_count, 'neuron')} by {by}{filtered}"

    def _change(self, view: NeuronView) -> None:
        if self.key is not None:
            self.open(self.key, view)

    def _look(self, key: ProfileKey, view: NeuronView, row: int) -> None:
        """In a thread."""
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
