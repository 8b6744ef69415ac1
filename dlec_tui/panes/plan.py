"""The plan: its slices and its text, two views of one thing."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SuspendNotSupported
from textual.binding import BindingType

from dlec_tui.actions.registry import PLAN, Action, bindings, recipe_action
from dlec_tui.measurements.requests import Field, Values
from dlec_tui.messages import BatchRequested
from dlec_tui.panes.plan_editing import PlanEditing
from dlec_tui.panes.plan_files import PlanFiles
from dlec_tui.plans import job_specs, recipe_forms
from dlec_tui.plans.job_specs import EditedPlan, MergeSize
from dlec_tui.plans.lines import problem_text
from dlec_tui.plans.plan_status import slices_in
from dlec_tui.plans.results import plan_of, proposals
from dlec_tui.session.notices import draft_text
from dlec_tui.session.slots import Draft
from dlec_tui.terminal.outside_editor import edited_outside
from dlec_tui.terminal.path_completion import PLANS
from dlec_tui.widgets.dialogs import Question
from dlec_tui.widgets.forms import RecipeForm
from dlec_tui.widgets.option_list import RecipeList, Way
from dlec_tui.widgets.prompts import LinePrompt, PathPrompt
from dlec_tui.workbench import WorkbenchContext
from engine.errors import DlecError, escaped, shown
from engine.plan.plan_file import plan_text_of
from engine.units import byte_size

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs

PROMPT_HINT = "prompt for both models (raw text, no chat template)"
OUTPUT_HINT = "output directory (Tab completes)"
COMPARE_HINT = "plan file (Tab completes)"
RUNS = ("preview", "generate", "merge")
LOOK_SECONDS = 2.0
"""Interval of checks for changes of the file on disk."""
NEEDS_TERMINAL = "an external editor needs a terminal"


class PlanPane(PlanEditing):
    """The plan pane: recipes, comparison, previews and merges."""

    AREA = "plan"
    ABOUT = (
        "The plan as a list of slices and as text. In the text, letters are typed; Esc goes back to the list. "
        "F7 goes to the next problem, Ctrl+P runs any action."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(PLAN)

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self.files = PlanFiles(self)
        self._prompt = ""
        """Prompt of the last generation."""
        self._offered: set[int] | None = None
        """Jobs whose suggested plans were reported; None before the first reading."""

    @classmethod
    def offers(cls) -> Sequence[Action]:
        return [
            recipe_action(name, recipe_forms.summary_of(name), is_measured=recipe_forms.is_measured(name))
            for name in recipe_forms.NAMES
        ]

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(LOOK_SECONDS, self.look_at_file)

    def come_to_front(self) -> None:
        super().come_to_front()
        self.look_at_file()

    # The file

    def action_open(self) -> None:
        self.files.ask_to_open()

    def open_file(self, path: Path) -> None:
        """Open a plan file; confirm before unsaved changes are discarded."""
        self.files.open(path)

    def look_at_file(self) -> None:
        """Ask the user if the file has changed on disk."""
        if self.display:
            self.files.look()

    def plan_requested(self, text: str) -> None:
        self.files.unless_unsaved(lambda: self._begin(text))

    def _begin(self, text: str) -> None:
        self.change(self.session.new_plan(text))
        self.go_to(self.list)

    def action_save(self) -> None:
        self.files.save(self._report_saved)

    def action_save_as(self) -> None:
        self.files.save_as(self._report_saved)

    def _report_saved(self) -> None:
        if self.document.path:
            self.notify(f"saved {shown(self.document.path.name)}")

    def action_edit_outside(self) -> None:
        self.take_typed()
        name = self.document.path.name if self.document.path else "plan.yaml"
        try:
            with self.app.suspend():
                text = edited_outside(self.document.text, name)
        except SuspendNotSupported:
            self.notify(NEEDS_TERMINAL, severity="warning")
        except DlecError as error:
            self.notify(str(error), severity="error")
        else:
            self.change(self.document.edited(text, "edit outside"))

    def action_add_to_batch(self) -> None:
        self.files.save(self._add_to_batch)

    def _add_to_batch(self) -> None:
        if self.document.path:
            self.post_message(BatchRequested(self.document.path))

    # Recipes

    def action_new(self) -> None:
        proposed = proposals(self.workbench.jobs)
        drafts = [Way(str(draft.file), "unsaved", draft_text(draft)) for draft in self.workbench.drafts]
        ways = [*drafts] + [Way(str(job.id), f"job {job.id}", escaped(summary)) for job, summary in proposed]
        ways += [Way(name, name, recipe_forms.summary_of(name)) for name in recipe_forms.NAMES]
        self.app.push_screen(RecipeList(ways), self._chosen_way)

    def _chosen_way(self, key: str | None) -> None:
        if draft := next((draft for draft in self.workbench.drafts if str(draft.file) == key), None):
            self.files.unless_unsaved(lambda: self._take_draft(draft))
            return
        suggesting = next((job for job, _ in proposals(self.workbench.jobs) if str(job.id) == key), None)
        if suggesting:
            self.plan_requested(plan_of(suggesting))
        elif key:
            self.action_new_by(key)

    def _take_draft(self, draft: Draft) -> None:
        self.change(draft.document)
        self.go_to(self.list)
        self.workbench.take_draft(draft)

    def action_new_by(self, name: str) -> None:
        """Open the form of a recipe; only the palette lists this action."""
        models = self.current.view.models if self.current else ()
        reference = self.workbench.reference or next(iter(models), "")
        work = partial(self._prepare_form, name, reference)
        self.run_worker(work, group="recipe", thread=True, exclusive=True)

    def _prepare_form(self, name: str, reference: str) -> None:
        """Read the model in a thread: the defaults depend on it."""
        try:
            checkpoint = self.checkpoints.opener()(reference) if reference else None
        except DlecError:
            checkpoint = None
        fields = tuple(recipe_forms.form_fields(name, reference, checkpoint))
        self.app.call_from_thread(self._ask_recipe, name, fields)

    def _ask_recipe(self, name: str, fields: Sequence[Field]) -> None:
        form = RecipeForm(name, recipe_forms.summary_of(name), fields, partial(recipe_forms.filled, name))
        self.app.push_screen(form, lambda values: self._make(name, fields, values) if values is not None else None)

    def _make(self, name: str, fields: Sequence[Field], values: Values) -> None:
        """Make the plan or job; after an error, show the form again with the same values."""
        form, open_checkpoint = recipe_forms.filled(name, values), self.checkpoints.opener()

        def make() -> None:
            try:
                if recipe_forms.is_measured(name):
                    spec = recipe_forms.spec_for(form, open_checkpoint, self.workbench.store)
                    self.then(self.workbench.submit, [spec])
                else:
                    self.then(self.plan_requested, recipe_forms.write(form, open_checkpoint, self.workbench.store))
            except DlecError:
                self.then(self._ask_recipe, name, [replace(field, value=values[field.name]) for field in fields])
                raise

        self.in_thread(make)

    # Comparing

    def action_compare(self) -> None:
        if self.strip.is_comparing:
            self.strip.compare("", ())
            return
        prompt = PathPrompt("compare with", COMPARE_HINT, suffixes=PLANS, look=plan_text_of)
        self.app.push_screen(prompt, lambda name: self._compare(Path(name)) if name else None)

    def _compare(self, path: Path) -> None:
        self.in_thread(lambda: self.then(self._compared, path, plan_text_of(path)))

    def _compared(self, path: Path, text: str) -> None:
        slices = slices_in(text)
        if slices.unreadable or not slices.views:
            self.notify(f"{shown(path)} has no slices: {slices.unreadable or 'the file is empty'}", severity="warning")
        self.strip.compare(path.name, slices.views)

    # Jobs

    def action_preview(self) -> None:
        plan, store, open_checkpoint = self._settled_plan(), self.workbench.store, self.checkpoints.opener()
        self.submit_in_background(lambda: job_specs.preview_of(plan, open_checkpoint, store))

    def action_generate(self) -> None:
        self.app.push_screen(LinePrompt("generate", PROMPT_HINT, text=self._prompt), self._generate)

    def _generate(self, prompt: str | None) -> None:
        if prompt:
            self._prompt = prompt
            plan, store, open_checkpoint = self._settled_plan(), self.workbench.store, self.checkpoints.opener()
            self.submit_in_background(lambda: job_specs.generate_of(plan, prompt, open_checkpoint, store))

    def action_merge(self) -> None:
        plan = self._settled_plan()
        usual = str(plan.outputs / plan.output_name)
        check = partial(self._check_merge, plan)
        prompt = PathPrompt("merge into", OUTPUT_HINT, text=usual, look=check)
        self.app.push_screen(prompt, lambda name: self._merge_into(plan, Path(name)) if name else None)

    def _check_merge(self, plan: EditedPlan, out: Path) -> MergeSize:
        """Check the output, in a thread."""
        return job_specs.check_merge(plan, out.absolute(), self.checkpoints.opener(), self.workbench.store)

    def _merge_into(self, plan: EditedPlan, out: Path) -> None:
        out = out.absolute()
        self.in_thread(lambda: self.then(self._ask_to_merge, plan, out, self._check_merge(plan, out)))

    def _ask_to_merge(self, plan: EditedPlan, out: Path, size: MergeSize) -> None:
        self.merged_into = out.parent
        question = f"Write {byte_size(size.written)} into {shown(out)}?\n{byte_size(size.free)} free."
        if size.missing < size.written:
            question += f" {byte_size(size.written - size.missing)} are already written; the merge resumes."
        make = partial(job_specs.merge_of, plan, out, self.checkpoints.opener())
        self.app.push_screen(
            Question(question, yes="merge"), lambda yes: self.submit_in_background(make) if yes else None
        )

    def _settled_plan(self) -> EditedPlan:
        self.take_typed()
        return self.edited_plan

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        super().jobs_seen(jobs)
        suggesting = {job.id for job, _ in proposals(jobs)}
        for number in sorted(suggesting - self._offered) if self._offered is not None else ():
            self.notify(f"job {number} suggests a plan (press N)")
        self._offered = suggesting

    # For everybody

    def value(self) -> str:
        if self.problems.has_focus and self.problems.current:
            return problem_text(self.problems.current)
        if self.current is None or self.slices.unreadable:
            return self.document.text
        lines = self.document.text.splitlines()
        return "\n".join(lines[self.current.view.first_line - 1 : self.current.view.last_line])

    def command(self) -> str:
        path = self.document.path
        if path is None:
            return ""
        is_refused = self.verdict is None or self.verdict.reason_against_running
        return join(["dlec", "plan", "check" if is_refused or self.problems.has_focus else "show", str(path)])

    def remembered(self) -> dict[str, Any]:
        outputs = str(self.merged_into) if self.merged_into else None
        slice_number = self.current.number if self.current else 0
        return {
            "slice": slice_number,
            "at_text": self.has_class("-at-text"),
            "prompt": self._prompt,
            "outputs": outputs,
        }

    def recall(self, remembered: dict[str, Any]) -> None:
        self._prompt = str(remembered.get("prompt", ""))
        self.merged_into = Path(outputs) if (outputs := remembered.get("outputs")) else None
        number = remembered.get("slice", 0)
        if isinstance(number, int):
            self.list.point_to(number)
        if remembered.get("at_text"):
            self.set_class(True, "-at-text")
            self.last_focused = self.editor

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
        return super().reason_against(name)
