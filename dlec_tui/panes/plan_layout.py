"""Layout of the plan pane: strip, slices, text, problems, results and cost of one plan."""

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import OptionList, TextArea

from dlec_tui.messages import PlanEdited
from dlec_tui.panes.pane import Pane
from dlec_tui.plans.checkpoints import PlanCheckpoints
from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.job_specs import EditedPlan
from dlec_tui.plans.lines import SliceRow, rows_of, slice_at
from dlec_tui.plans.plan_status import Slices, Verdict
from dlec_tui.plans.session import PlanSession
from dlec_tui.widgets.layer_strip import LayerStrip
from dlec_tui.widgets.line_list import LineList
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.plan_checker import Checked, PlanChecker, PreviewsRead
from dlec_tui.widgets.plan_editor import PlanEditor
from dlec_tui.widgets.plan_findings import PlanFindings
from dlec_tui.widgets.plan_lists import ProblemList, SliceList
from dlec_tui.workbench import WorkbenchContext
from engine.errors import escaped
from engine.store.job_states import Done

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs


class PlanLayout(Pane):
    """Two views of one document; where room is short, more of it for the one that was used last."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    PlanPane #plan-views { layout: horizontal; height: 1fr; }
    PlanPane #slices-part, PlanPane #text-part { width: 1fr; }
    .-narrow PlanPane #plan-views { layout: vertical; }
    .-narrow PlanPane #slices-part { height: 3fr; min-height: 3; }
    .-narrow PlanPane #text-part { height: 2fr; min-height: 3; }
    .-narrow PlanPane.-at-text #slices-part { height: 1fr; }
    .-narrow PlanPane.-at-text #text-part { height: 2fr; }
    .-narrow.-low PlanPane.-at-findings #text-part { display: none; }
    .-narrow.-low PlanPane.-at-findings.-at-text #text-part { display: block; height: 1fr; }
    .-narrow.-low PlanPane.-at-findings.-at-text #slices-part { display: none; }
    """

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self.session = PlanSession()
        self.checkpoints = PlanCheckpoints()
        self.merged_into: Path | None = None
        """The directory that the last merge went into; None before one was chosen."""
        self.findings = PlanFindings()

    def compose(self) -> ComposeResult:
        yield LayerStrip(id="plan-strip")
        with Container(id="plan-views"):
            with Part("slices", id="slices-part"):
                yield SliceList(id="plan-slices")
            with Part("text", id="text-part"):
                yield PlanEditor(id="plan-text")
        yield self.findings
        yield PlanChecker(self.workbench.store, self.checkpoints)

    def on_mount(self) -> None:
        self.session.start(self.workbench.document)
        self.show_document()

    # State

    @property
    def document(self) -> PlanDocument:
        """Document on the screen."""
        return self.session.document

    @property
    def slices(self) -> Slices:
        """Last valid slices."""
        return self.session.slices

    @property
    def verdict(self) -> Verdict | None:
        """Status of the text that was checked last."""
        return self.session.status

    # The parts

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
    def checker(self) -> PlanChecker:
        return self.query_one(PlanChecker)

    @property
    def problems(self) -> ProblemList:
        return self.findings.problems

    @property
    def current(self) -> SliceRow | None:
        """The slice under the cursor."""
        return self.list.current

    @property
    def edited_plan(self) -> EditedPlan:
        return EditedPlan(self.document.text, self.document.path, self.document.justification, self.merged_into)

    def first_part(self) -> Widget | None:
        return self.list

    def next_part(self) -> None:
        order: list[Widget] = [self.list, self.editor, *self.findings.parts]
        position = next((at for at, widget in enumerate(order) if widget.has_focus_within), -1)
        self.go_to(order[(position + 1) % len(order)])

    def go_to(self, widget: Widget) -> None:
        """Have the focus there, and room for it."""
        if widget in (self.list, self.editor):
            self.set_class(widget is self.editor, "-at-text")
        self.screen.set_focus(widget)  # immediately: the next key belongs to it

    def on_descendant_focus(self) -> None:
        super().on_descendant_focus()
        self.set_class(self.findings.has_focus_within, "-at-findings")

    # The document

    def come_to_front(self) -> None:
        super().come_to_front()
        self.checker.check(self.edited_plan)  # models may have come or changed meanwhile

    def plan_changed(self) -> None:
        if self.session.receive(self.workbench.document):
            self.show_document()

    def change(self, document: PlanDocument, note: str = "") -> None:
        """Have the plan like this, in both views."""
        self.tell(document, note)
        self.show_document()

    def tell(self, document: PlanDocument, note: str = "") -> None:
        """Have the plan like this; the views know already."""
        self.session.put(document)
        self.post_message(PlanEdited(document, note))
        self.refresh_bindings()

    def show_document(self) -> None:
        self.editor.show(self.document.text)
        self.read_slices()
        self.checker.check_soon(self.edited_plan)

    @on(Checked)
    def _take_verdict(self, message: Checked) -> None:
        verdict = message.verdict
        if not self.session.take_status(verdict):
            return
        self._take_slices(verdict.slices)
        self._show_strip()
        self.findings.show(verdict, self.workbench.jobs)
        if self.problems.has_focus and not verdict.problems:
            self.go_to(self.list)
        self.editor.underline(verdict.problems)
        self.refresh_bindings()

    def read_slices(self) -> None:
        """Have the list as the text is now, which it is a moment after the last key in any case."""
        if self.session.read_slices():
            self._show_slices()

    def _take_slices(self, slices: Slices) -> None:
        """Show these slices; keep the last valid ones while the text is invalid."""
        if self.session.take_slices(slices):
            self._show_slices()

    def _show_slices(self) -> None:
        slices = self.slices
        is_stale = bool(slices.unreadable)
        title = f"last valid state: {escaped(slices.unreadable)}" if is_stale else f"slices: {len(slices.views)}"
        self.query_one("#slices-part", Part).entitle(title)
        self.list.put(rows_of(self.slices.views))
        self._show_strip()

    def _show_strip(self) -> None:
        depths = self.verdict.depths if self.verdict else {}
        self.strip.show(self.slices.views, self._pointed, depths, self.slices.unreadable)

    @on(LayerStrip.Clicked)
    def _go_to_clicked(self, message: LayerStrip.Clicked) -> None:
        self.go_to(self.list)
        self.list.point_to(message.slice_index)

    # Cursors, linked

    @property
    def _pointed(self) -> int | None:
        """The number of the slice that is marked in the strip."""
        return self.current.number if self.current else None

    @on(LineList.Moved, "#plan-slices")
    def _follow_list(self) -> None:
        if self.list.has_focus and self.current and not self.slices.unreadable:
            view = self.current.view
            if not view.first_line <= self.editor.line <= view.last_line:
                self.editor.go_to(view.first_line)
        self.strip.point_to(self._pointed)
        self.refresh_bindings()

    @on(TextArea.SelectionChanged)
    def _follow_text(self) -> None:
        if self.editor.has_focus:
            self._point_to_line(self.editor.line)

    @on(OptionList.OptionHighlighted, "#plan-problems")
    def _follow_problem(self) -> None:
        problem = self.problems.current
        if self.problems.has_focus and problem and problem.place:
            self.go_to_problem()
        self.refresh_bindings()

    def go_to_problem(self) -> None:
        """Put both cursors where the current problem is."""
        problem = self.problems.current
        if problem and problem.place:
            self.editor.go_to(problem.place.line, problem.place.column)
            self._point_to_line(problem.place.line)

    def _point_to_line(self, line: int) -> None:
        number = slice_at(self.slices.views, line)
        if number is not None:
            self.list.point_to(number)

    # Jobs

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        before = {stored.job.id: stored.job.state_name for stored in self.findings.plan_jobs}
        self.findings.show_jobs(jobs)
        ended = {stored.job.id for stored in self.findings.plan_jobs if isinstance(stored.job.state, Done)}
        if any(before.get(job_id) not in (None, "done") for job_id in ended):
            self.checker.check(self.edited_plan)  # the store may have new results for this plan

    @on(PreviewsRead)
    def _take_previews(self, message: PreviewsRead) -> None:
        if message.text == self.document.text:
            self.findings.show_previews(message.text, message.previews, self.workbench.jobs)
