"""The activations pane: measurements of layers, blocks and neurons."""

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from dlec_tui.actions.registry import ACTIVATIONS, bindings
from dlec_tui.measurements.measured import MeasuredModel
from dlec_tui.measurements.neuron_filter import HINT, wrong_with
from dlec_tui.measurements.reasons import (
    NO_MODEL,
    READING,
    not_measured,
    reason_against_here,
    reason_without_measurements,
    unreadable,
)
from dlec_tui.measurements.view_state import (
    Looking,
    Marks,
    blocks_of,
    cells_line,
    comparison_line,
    justification,
    marks_as_data,
    marks_from_data,
    marks_line,
    text_line,
    toggled,
)
from dlec_tui.messages import BlocksChosen, PlanRequested
from dlec_tui.models.listing import name_of
from dlec_tui.panes.pane import Pane
from dlec_tui.widgets.measurement_reader import MeasurementReader, MeasurementsRead
from dlec_tui.widgets.measurement_views import VIEWS, MeasurementViews
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.prompts import LinePrompt
from dlec_tui.widgets.text_views import Figures
from dlec_tui.workbench import WorkbenchContext
from engine.comparison.change_map import Cell
from engine.errors import shown
from engine.store.job_states import Done
from engine.tasks.specs import Listing, spec_of

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs
    from dlec_tui.measurements.requests import Field, Values
    from engine.store.jobs import JobSpec

MOST_REMEMBERED = 20
"""Models."""


def _diff_spec(request: dict[str, Any]) -> "JobSpec":
    from engine.jobs.job_specs import diff_spec  # late: it imports what jobs need

    return diff_spec(request)


class ActivationsPane(Pane):
    """The views of the measurements, and the figures under the cursor."""

    AREA = "activations"
    ABOUT = "Measurements of the model. Mark layers or blocks with Space, then press a to add them to the plan."
    BINDINGS: ClassVar[list[BindingType]] = bindings(ACTIVATIONS)
    SCOPED_CSS = False  # the breakpoints' classes are the screen's
    DEFAULT_CSS = """
    ActivationsPane > #view-part { height: 1fr; }
    ActivationsPane > #readout-part { height: 6; }
    .-wide ActivationsPane { layout: horizontal; }
    .-wide ActivationsPane > #view-part { width: 1fr; }
    .-wide ActivationsPane > #readout-part { width: 46; height: 100%; }
    """

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self._looking: Looking | None = None
        self._says = NO_MODEL
        self._marks: Marks = ()
        self._cells: frozenset[Cell] = frozenset()
        """Marked cells of the map of changes."""
        self._changes: int | None = None
        self._left: dict[str, Any] = {}
        """Last view state of each model, by reference."""
        self._was_shown = False

    def compose(self) -> ComposeResult:
        with Part("layers", id="view-part"):
            yield MeasurementViews(self.workbench.store, id="views")
        with Part("details", id="readout-part"):
            yield Figures(id="readout")
        yield MeasurementReader(self.workbench.store)

    def come_to_front(self) -> None:
        if not self._was_shown:  # what is remembered has come by now
            self._was_shown = True
            self.model_chosen()
        super().come_to_front()

    def first_part(self) -> Widget | None:
        return self._views.query_one(f"#{self._views.view}")

    @property
    def _views(self) -> MeasurementViews:
        return self.query_one(MeasurementViews)

    # Reading

    def model_chosen(self) -> None:
        self._left = self.remembered()
        self._looking, self._marks, self._cells = None, (), frozenset()
        self._says = READING if self.workbench.reference else NO_MODEL
        self._show()
        self._read()

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        changes = sum(
            isinstance(each.job.state, Done) and Listing.MEASUREMENTS in spec_of(each.job.spec.task).invalidates
            for each in jobs.jobs
        )
        if self._changes not in (None, changes):
            self._read()
        self._changes = changes

    def _read(self) -> None:
        if reference := self.workbench.reference:
            self.query_one(MeasurementReader).read(reference)

    @on(MeasurementsRead)
    def _take(self, message: MeasurementsRead) -> None:
        if message.reference != self.workbench.reference:
            return
        if message.problem:
            self._looking, self._says = None, unreadable(message.problem)
        elif message.model is None:
            self._looking, self._says = None, not_measured(name_of(message.reference))
        elif self._looking is None:
            self._bring_back(message.model)
        else:
            self._looking = replace(self._looking, model=message.model)
        self._show()

    # What is shown

    def _show(self) -> None:
        self._views.show(self._looking, self._says)
        self._views.mark(self._marks)
        self._views.mark_cells(self._cells)
        self._tell()

    def _look(self, looking: Looking) -> None:
        self._looking = looking
        self._show()
        self.workbench.autosave()

    @on(MeasurementViews.Moved)
    def _tell(self) -> None:
        """Titles and figures, as they are now."""
        self.query_one("#view-part", Part).entitle(self._views.title)
        self.query_one(Figures).show(list(self._views.figures()), self._lines_below())
        self.refresh_bindings()

    def _lines_below(self) -> list[str]:
        """Marks and subject of the view."""
        if self._looking is None:
            return []
        if self._views.view == "changes":
            return [cells_line(self._cells), comparison_line(self._looking)] if self._looking.compared else []
        return [marks_line(self._marks), text_line(self._looking)]

    def action_next_view(self) -> None:
        self._views.show_view(VIEWS[(VIEWS.index(self._views.view) + 1) % len(VIEWS)])

    def action_next_metric(self) -> None:
        if self._looking:
            following = {"map": Looking.next_map, "changes": Looking.next_lens}
            self._look(following.get(self._views.view, Looking.next_metric)(self._looking))

    def action_next_overlay(self) -> None:
        if self._looking:
            self._look(self._looking.next_overlay())

    def action_next_text(self) -> None:
        if self._looking:
            is_changes = self._views.view == "changes"
            self._look(self._looking.next_comparison() if is_changes else self._looking.next_text())

    # Marks

    def action_mark(self) -> None:
        if self._views.view == "changes":
            self._set_cells(self._cells ^ ({self._views.cell} if self._views.cell else set()))
        elif mark := self._views.target():
            self._set_marks(toggled(self._marks, mark))

    def action_unmark_all(self) -> None:
        if self._views.view == "changes":
            self._set_cells(frozenset())
        else:
            self._set_marks(())

    def _set_cells(self, cells: "frozenset[Cell]") -> None:
        self._cells = cells
        self._views.mark_cells(cells)
        self._tell()

    def _set_marks(self, marks: Marks) -> None:
        self._marks = marks
        self._views.mark(marks)
        self._tell()
        self.workbench.autosave()

    def action_add_marked(self) -> None:
        compared = self._looking.compared if self._looking else None
        if self._views.view == "changes" and compared and self.workbench.reference:
            self.in_thread(partial(self._graft, self.workbench.reference, compared.a_reference, self._cells))
        elif reference := self.workbench.reference:
            blocks = blocks_of(self._marks)
            self.post_message(BlocksChosen(reference, blocks, justification(self._marks)))

    def _graft(self, reference: str, other: str, cells: "frozenset[Cell]") -> None:
        """Write the plan, in a thread: that opens both models."""
        from dlec_tui.measurements.changes import graft_text

        self.post_message(PlanRequested(graft_text(reference, other, cells)))

    # Neurons

    def action_sort(self) -> None:
        self._views.neurons.sort()

    def action_reverse(self) -> None:
        self._views.neurons.reverse()

    def action_filter(self) -> None:
        neurons = self._views.neurons
        prompt = LinePrompt("filter", HINT, text=neurons.view.filter_text, check=wrong_with)
        self.app.push_screen(prompt, lambda filter_text: None if filter_text is None else neurons.filter(filter_text))

    def action_go_to_layer(self) -> None:
        self.app.push_screen(
            LinePrompt("go to layer", f"0 to {self._layer_count - 1}", check=self._wrong_layer), self._go_to_layer
        )

    def _wrong_layer(self, text: str) -> str:
        is_layer = text.isascii() and text.isdecimal() and int(text) < self._layer_count
        return "" if is_layer else f"enter a layer from 0 to {self._layer_count - 1}"

    @property
    def _layer_count(self) -> int:
        return self._looking.model.layers if self._looking else 0

    def _go_to_layer(self, text: str | None) -> None:
        if not text:
            return
        if self._views.view == "neurons":
            self._views.neurons.go_to_layer(int(text))
        else:
            self._views.go_to(int(text))

    # Jobs

    def action_profile(self) -> None:
        from dlec_tui.measurements.requests import PROFILE_FIELDS, profile_from  # late: it imports what jobs need

        if reference := self.workbench.reference:
            title = f"profile {shown(name_of(reference))}"
            self._ask_measurement(title, PROFILE_FIELDS, partial(profile_from, reference, self.workbench.store))

    def action_score(self) -> None:
        from dlec_tui.measurements.requests import SCORE_FIELDS, score_from

        if reference := self.workbench.reference:
            title = f"score layers of {shown(name_of(reference))}"
            self._ask_measurement(title, SCORE_FIELDS, partial(score_from, reference, self.workbench.store))

    def action_compare(self) -> None:
        prompt = LinePrompt("compare with", "directory, hub id or plan file")
        self.app.push_screen(prompt, self._compare)

    def _compare(self, other: str | None) -> None:
        if other and (reference := self.workbench.reference):
            home = str(self.workbench.store.parent)
            self.submit_in_background(partial(_diff_spec, {"a": other.strip(), "b": reference, "home": home}))

    def _ask_measurement(
        self, title: str, fields: "Sequence[Field]", make: "Callable[[Values], Callable[[], JobSpec]]"
    ) -> None:
        from dlec_tui.widgets.forms import MeasureForm

        def answered(values: "Values | None") -> None:
            if values is not None:
                self.submit_in_background(make(values))

        self.app.push_screen(MeasureForm(title, fields, make), answered)

    # For everybody

    def reason_against(self, name: str) -> str:
        if self._looking is None:
            return reason_without_measurements(name, self._says)
        has_marks = bool(self._cells if self._views.view == "changes" else self._marks)
        return reason_against_here(name, self._views.view, has_marks=has_marks)

    def value(self) -> str:
        return "\n".join(self._views.figures())

    def command(self) -> str:
        model = shlex.quote(self.workbench.reference or "MODEL")
        return self._looking.command(model) if self._looking else f"dlec profile {model}"

    def remembered(self) -> dict[str, Any]:
        if self._looking is None:
            return self._left
        reference = self._looking.model.reference
        others = {of: left for of, left in self._left.items() if of != reference}
        left = {
            "looking": self._looking.as_data(),
            "views": self._views.remembered(),
            "marks": marks_as_data(self._marks),
        }
        return dict([*others.items(), (reference, left)][-MOST_REMEMBERED:])

    def recall(self, remembered: dict[str, Any]) -> None:
        self._left = remembered

    def _bring_back(self, model: MeasuredModel) -> None:
        """A model is shown again as it was left, or for the first time."""
        self._looking = Looking(model)
        if not model.measured_texts:
            self._views.show_view("changes")
        with suppress(KeyError, TypeError, ValueError):  # nothing is saved, or another version saved it
            left = self._left[model.reference]
            self._looking = Looking.from_data(model, left["looking"])
            self._marks = marks_from_data(left["marks"], model.layers)
            self._views.recall(left["views"])
