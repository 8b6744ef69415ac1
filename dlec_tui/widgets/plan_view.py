"""The edited plan on the screen: layer strip, slices, text, problems, results and cost."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import OptionList, TextArea

from dlec_tui.plans.lines import SliceRow, rows_of, slice_at
from dlec_tui.plans.plan_status import Verdict
from dlec_tui.plans.session import PlanSession
from dlec_tui.widgets.layer_strip import LayerStrip
from dlec_tui.widgets.line_list import LineList
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.plan_editor import PlanEditor
from dlec_tui.widgets.plan_findings import PlanFindings
from dlec_tui.widgets.plan_lists import ProblemList, SliceList
from engine.errors import escaped

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs


class PlanView(Vertical):
    """View of a PlanSession. The cursors of its parts follow each other.

    On a small screen, the part that was used last gets more room.
    """

    SCOPED_CSS = False
    DEFAULT_CSS = """
    PlanView #plan-views { layout: horizontal; height: 1fr; }
    PlanView #slices-part, PlanView #text-part { width: 1fr; }
    .-narrow PlanView #plan-views { layout: vertical; }
    .-narrow PlanView #slices-part { height: 3fr; min-height: 3; }
    .-narrow PlanView #text-part { height: 2fr; min-height: 3; }
    .-narrow PlanView.-at-text #slices-part { height: 1fr; }
    .-narrow PlanView.-at-text #text-part { height: 2fr; }
    .-narrow.-low PlanView.-at-findings #text-part { display: none; }
    .-narrow.-low PlanView.-at-findings.-at-text #text-part { display: block; height: 1fr; }
    .-narrow.-low PlanView.-at-findings.-at-text #slices-part { display: none; }
    """

    def __init__(self, session: PlanSession) -> None:
        super().__init__()
        self._session = session
        self.findings = PlanFindings()

    def compose(self) -> ComposeResult:
        yield LayerStrip(id="plan-strip")
        with Container(id="plan-views"):
            with Part("slices", id="slices-part"):
                yield SliceList(id="plan-slices")
            with Part("text", id="text-part"):
                yield PlanEditor(id="plan-text")
        yield self.findings

    # Parts

    @property
    def list(self) -> SliceList:
        return self.query_one(SliceList)

    @property
    def editor(self) -> PlanEditor:
        return self.query_one(PlanEditor)

    @property
    def strip(self) -> LayerStrip:
        return self.query_one(LayerStrip)

    @property
    def problems(self) -> ProblemList:
        return self.findings.problems

    @property
    def current(self) -> SliceRow | None:
        """Selected slice."""
        return self.list.current

    @property
    def is_at_text(self) -> bool:
        """Whether the text, not the list, was used last."""
        return self.has_class("-at-text")

    def put_text_first(self) -> None:
        """Give the text more room than the list."""
        self.add_class("-at-text")

    def next_part(self) -> None:
        """Focus the next part that has content."""
        order: list[Widget] = [self.list, self.editor, *self.findings.parts]
        position = next((at for at, widget in enumerate(order) if widget.has_focus_within), -1)
        self.go_to(order[(position + 1) % len(order)])

    def go_to(self, widget: Widget) -> None:
        """Focus a part and give it room."""
        if widget in (self.list, self.editor):
            self.set_class(widget is self.editor, "-at-text")
        self.screen.set_focus(widget)  # immediately: the next key belongs to it

    def switch(self) -> None:
        """Focus the text, or the list if the text has the focus."""
        self.go_to(self.list if self.editor.has_focus else self.editor)

    def on_descendant_focus(self) -> None:
        self.set_class(self.findings.has_focus_within, "-at-findings")

    # Contents

    def show_document(self) -> None:
        """Show the text of the session and its slices."""
        self.editor.show(self._session.document.text)
        self.read_slices()

    def read_slices(self) -> None:
        """Show the slices of the current text; the check shows them too, a moment after the last key."""
        if self._session.read_slices():
            self._show_slices()

    def show_status(self, status: Verdict, jobs: "StoredJobs | None") -> None:
        """Show the status of the current text."""
        if self._session.take_slices(status.slices):
            self._show_slices()
        self._show_strip()
        self.findings.show(status, jobs)
        if self.problems.has_focus and not status.problems:
            self.go_to(self.list)
        self.editor.underline(status.problems)
        self.refresh_bindings()

    def _show_slices(self) -> None:
        slices = self._session.slices
        is_stale = bool(slices.unreadable)
        title = f"last valid state: {escaped(slices.unreadable)}" if is_stale else f"slices: {len(slices.views)}"
        self.query_one("#slices-part", Part).entitle(title)
        self.list.put(rows_of(slices.views))
        self._show_strip()

    def _show_strip(self) -> None:
        slices, status = self._session.slices, self._session.status
        self.strip.show(slices.views, self._selected, status.depths if status else {}, slices.unreadable)

    # Linked cursors

    @property
    def _selected(self) -> int | None:
        """Number of the slice that the strip marks."""
        return self.current.number if self.current else None

    @on(LayerStrip.Clicked)
    def _go_to_clicked(self, message: LayerStrip.Clicked) -> None:
        self.go_to(self.list)
        self.list.point_to(message.slice_index)

    @on(PlanEditor.Left)
    def _leave_text(self) -> None:
        self.go_to(self.list)

    @on(LineList.Moved, "#plan-slices")
    def _follow_list(self) -> None:
        if self.list.has_focus and self.current and not self._session.slices.unreadable:
            view = self.current.view
            if not view.first_line <= self.editor.line <= view.last_line:
                self.editor.go_to(view.first_line)
        self.strip.point_to(self._selected)
        self.refresh_bindings()

    @on(TextArea.SelectionChanged)
    def _follow_text(self) -> None:
        if self.editor.has_focus:
            self._point_to_line(self.editor.line)

    @on(OptionList.OptionHighlighted, "#plan-problems")
    def _follow_problem(self) -> None:
        if self.problems.has_focus:
            self._go_to_problem()
        self.refresh_bindings()

    def next_problem(self) -> None:
        """Move both cursors to the next problem, at first to the selected one."""
        if self.problems.has_focus or self._is_at_problem:
            self.problems.step()
        self._go_to_problem()

    @property
    def _is_at_problem(self) -> bool:
        """Whether the cursor of the text is at the selected problem, or no problem is selected."""
        problem = self.problems.current
        return problem is None or (problem.place is not None and self.editor.line == problem.place.line)

    def _go_to_problem(self) -> None:
        problem = self.problems.current
        if problem and problem.place:
            self.editor.go_to(problem.place.line, problem.place.column)
            self._point_to_line(problem.place.line)

    def _point_to_line(self, line: int) -> None:
        number = slice_at(self._session.slices.views, line)
        if number is not None:
            self.list.point_to(number)
