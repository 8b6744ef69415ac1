"""The plan pane: one plan as a list of slices and as text."""

from collections.abc import Sequence
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import TextArea

from dlec_tui.actions.registry import PLAN, Action, bindings, recipe_action
from dlec_tui.messages import BatchRequested, BlocksChosen, PlanEdited
from dlec_tui.panes.pane import Pane
from dlec_tui.panes.plan_edits import NEEDS_TERMINAL, PlanEdits
from dlec_tui.panes.plan_files import PlanFiles
from dlec_tui.panes.plan_jobs import PlanJobs
from dlec_tui.panes.plan_recipes import PlanRecipes
from dlec_tui.plans import recipe_forms
from dlec_tui.plans.checkpoints import PlanCheckpoints
from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.job_specs import EditedPlan
from dlec_tui.plans.lines import problem_text
from dlec_tui.plans.session import PlanSession
from dlec_tui.session.slots import Draft
from dlec_tui.widgets.plan_checker import Checked, PlanChecker, PreviewsRead
from dlec_tui.widgets.plan_editor import PlanEditor
from dlec_tui.widgets.plan_view import PlanView
from dlec_tui.workbench import WorkbenchContext
from engine.errors import shown
from engine.store.job_states import Done

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs

OTHER_BREAKS = "mixed line breaks were converted to one kind"
RUNS = ("preview", "generate", "merge")
LOOK_SECONDS = 2.0
"""Interval of checks for changes of the file on disk."""


class PlanPane(Pane):
    """Binds the actions of the pane to the session of the plan, its view, files, edits, recipes and jobs."""

    AREA = "plan"
    ABOUT = (
        "The plan as a list of slices and as text. In the text, letters are typed; Esc goes back to the list. "
        "F7 goes to the next problem, Ctrl+P runs any action."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(PLAN)

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self.session = PlanSession()
        self.checkpoints = PlanCheckpoints()
        self.view = PlanView(self.session)
        self.files = PlanFiles(self)
        self.edits = PlanEdits(self)
        self.recipes = PlanRecipes(self, self._open_draft)
        self.plan_jobs = PlanJobs(self)

    def compose(self) -> ComposeResult:
        yield self.view
        yield PlanChecker(self.workbench.store, self.checkpoints)

    def on_mount(self) -> None:
        self.session.start(self.workbench.document)
        self._show_document()
        self.set_interval(LOOK_SECONDS, self.look_at_file)

    @classmethod
    def offers(cls) -> Sequence[Action]:
        return [
            recipe_action(name, recipe_forms.summary_of(name), is_measured=recipe_forms.is_measured(name))
            for name in recipe_forms.NAMES
        ]

    def come_to_front(self) -> None:
        super().come_to_front()
        self._checker.check(self.edited_plan)  # models may have appeared or changed in the meantime
        self.look_at_file()

    def first_part(self) -> Widget | None:
        return self.view.list

    def next_part(self) -> None:
        self.view.next_part()

    # Document

    @property
    def document(self) -> PlanDocument:
        """The edited plan."""
        return self.session.document

    @property
    def edited_plan(self) -> EditedPlan:
        document = self.document
        return EditedPlan(document.text, document.path, document.justification, self.plan_jobs.outputs)

    @property
    def _checker(self) -> PlanChecker:
        return self.query_one(PlanChecker)

    def latest_document(self) -> PlanDocument:
        self.take_typed()
        return self.document

    def plan_changed(self) -> None:
        if self.session.receive(self.workbench.document):
            self._show_document()

    def change(self, document: PlanDocument, note: str = "") -> None:
        """Replace the document and show it."""
        self.tell(document, note)
        self._show_document()

    def tell(self, document: PlanDocument, note: str = "") -> None:
        """Replace the document; its text is on the screen already."""
        self.session.put(document)
        self.post_message(PlanEdited(document, note))
        self.refresh_bindings()

    def _show_document(self) -> None:
        self.view.show_document()
        self._checker.check_soon(self.edited_plan)

    @on(TextArea.Changed)
    def take_typed(self) -> None:
        """Take typed text into the document, before any other change."""
        editor = self.view.editor
        had_other_breaks = editor.has_other_breaks
        text = editor.typed()
        if text is not None:
            note = OTHER_BREAKS if had_other_breaks else ""
            self.tell(self.document.edited(text, f"typing in line {editor.line}", joins=True), note)
            self._checker.check_soon(self.edited_plan)

    @on(Checked)
    def _take_status(self, message: Checked) -> None:
        if self.session.take_status(message.verdict):
            self.view.show_status(message.verdict, self.workbench.jobs)

    @on(PreviewsRead)
    def _take_previews(self, message: PreviewsRead) -> None:
        if message.text == self.document.text:
            self.view.findings.show_previews(message.text, message.previews, self.workbench.jobs)

    @on(PlanEditor.UndoWanted)
    def action_undo(self) -> None:
        self.take_typed()
        self.change(self.document.undone())

    @on(PlanEditor.RedoWanted)
    def action_redo(self) -> None:
        self.take_typed()
        self.change(self.document.redone())

    def action_edit_outside(self) -> None:
        self.edits.edit_outside()

    # File

    def action_open(self) -> None:
        self.files.ask_to_open()

    def open_file(self, path: Path) -> None:
        """Open a plan file; confirm before unsaved changes are discarded."""
        self.files.open(path)

    def look_at_file(self) -> None:
        """Ask the user if the file has changed on disk."""
        if self.display:
            self.files.look()

    def action_save(self) -> None:
        self.files.save(self._report_saved)

    def action_save_as(self) -> None:
        self.files.save_as(self._report_saved)

    def _report_saved(self) -> None:
        if self.document.path:
            self.notify(f"saved {shown(self.document.path.name)}")

    def action_add_to_batch(self) -> None:
        self.files.save(self._add_to_batch)

    def _add_to_batch(self) -> None:
        if self.document.path:
            self.post_message(BatchRequested(self.document.path))

    # New plans

    def action_new(self) -> None:
        self.recipes.choose()

    def action_new_by(self, name: str) -> None:
        """Open the form of a recipe; only the palette lists this action."""
        self.recipes.open_form(name)

    def plan_requested(self, text: str) -> None:
        self.files.unless_unsaved(lambda: self._begin(self.session.new_plan(text)))

    def _open_draft(self, draft: Draft) -> None:
        def take() -> None:
            self._begin(draft.document)
            self.workbench.take_draft(draft)

        self.files.unless_unsaved(take)

    def _begin(self, document: PlanDocument) -> None:
        self.change(document)
        self.view.go_to(self.view.list)

    # Edits

    def action_add(self) -> None:
        self.edits.add()

    def action_duplicate(self) -> None:
        self.edits.duplicate()

    def action_delete(self) -> None:
        self.edits.delete()

    def action_move_up(self) -> None:
        self.edits.move(-1)

    def action_move_down(self) -> None:
        self.edits.move(1)

    def action_start_down(self) -> None:
        self.edits.resize(-1, 0)

    def action_start_up(self) -> None:
        self.edits.resize(1, 0)

    def action_end_down(self) -> None:
        self.edits.resize(0, -1)

    def action_end_up(self) -> None:
        self.edits.resize(0, 1)

    def action_zero(self) -> None:
        self.edits.zero()

    def action_scale(self) -> None:
        self.edits.scale()

    def action_split(self) -> None:
        self.edits.split()

    def action_repeat(self) -> None:
        self.edits.repeat()

    def action_fix(self) -> None:
        self.edits.fix()

    def blocks_chosen(self, message: BlocksChosen) -> None:
        self.edits.add_blocks(message)

    # View

    def action_switch_view(self) -> None:
        self.view.switch()

    def action_next_problem(self) -> None:
        self.view.next_problem()

    def action_compare(self) -> None:
        if self.view.strip.is_comparing:
            self.view.strip.compare("", ())
        else:
            self.files.ask_to_compare()

    # Jobs

    def action_preview(self) -> None:
        self.plan_jobs.preview()

    def action_generate(self) -> None:
        self.plan_jobs.ask_to_generate()

    def action_merge(self) -> None:
        self.plan_jobs.ask_to_merge()

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        findings = self.view.findings
        before = {stored.job.id: stored.job.state_name for stored in findings.plan_jobs}
        findings.show_jobs(jobs)
        done = {stored.job.id for stored in findings.plan_jobs if isinstance(stored.job.state, Done)}
        if any(before.get(job_id) not in (None, "done") for job_id in done):
            self._checker.check(self.edited_plan)  # the store may have new results for this plan
        self.recipes.report_suggestions(jobs)

    # Interface of all panes

    def value(self) -> str:
        problems, row = self.view.problems, self.view.current
        if problems.has_focus and problems.current:
            return problem_text(problems.current)
        if row is None or self.session.slices.unreadable:
            return self.document.text
        return "\n".join(self.document.text.splitlines()[row.view.first_line - 1 : row.view.last_line])

    def command(self) -> str:
        path, status = self.document.path, self.session.status
        if path is None:
            return ""
        is_refused = status is None or status.reason_against_running
        return join(["dlec", "plan", "check" if is_refused or self.view.problems.has_focus else "show", str(path)])

    def remembered(self) -> dict[str, Any]:
        return {
            "slice": self.view.current.number if self.view.current else 0,
            "at_text": self.view.is_at_text,
            "prompt": self.plan_jobs.prompt,
            "outputs": str(self.plan_jobs.outputs) if self.plan_jobs.outputs else None,
        }

    def recall(self, remembered: dict[str, Any]) -> None:
        self.plan_jobs.prompt = str(remembered.get("prompt", ""))
        self.plan_jobs.outputs = Path(outputs) if (outputs := remembered.get("outputs")) else None
        number = remembered.get("slice", 0)
        if isinstance(number, int):
            self.view.list.point_to(number)
        if remembered.get("at_text"):
            self.view.put_text_first()
            self.last_focused = self.view.editor

    def reason_against(self, name: str) -> str:
        if name in RUNS:
            return self.session.reason_against_running
        match name:
            case "save" if self.document.path and not self.document.is_changed:
                return "no unsaved changes"
            case "save" | "save_as" | "add_to_batch" if not self.document.text.strip():
                return "the plan is empty"
            case "edit_outside" if self.app.is_web:
                return NEEDS_TERMINAL
            case "undo" if not self.document.past:
                return "nothing to undo"
            case "redo" if not self.document.future:
                return "nothing to redo"
            case "next_problem" if not self.view.problems.problems:
                return "no problems"
        return self.edits.reason_against(name)
