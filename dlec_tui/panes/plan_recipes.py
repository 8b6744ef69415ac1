"""New plans: from recipes, from suggestions of jobs and from drafts of other workbenches."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from dlec_tui.jobs.job_view import StoredJobs
from dlec_tui.measurements.requests import Field, Values
from dlec_tui.panes.plan_host import PlanHost
from dlec_tui.plans import recipe_forms
from dlec_tui.plans.results import plan_of, proposals
from dlec_tui.session.notices import draft_text
from dlec_tui.session.slots import Draft
from dlec_tui.widgets.forms import RecipeForm
from dlec_tui.widgets.option_list import RecipeList, Way
from engine.errors import DlecError, escaped


class PlanRecipes:
    """Dialogs of one pane that make a plan."""

    def __init__(self, pane: PlanHost, take_draft: Callable[[Draft], None]) -> None:
        """take_draft: opens a draft, after confirmation."""
        self._pane = pane
        self._workbench = pane.workbench
        self._take_draft = take_draft
        self._reported: set[int] | None = None
        """Jobs whose suggested plans were reported; None before the first reading."""

    def choose(self) -> None:
        """List drafts, suggested plans and recipes."""
        suggested = proposals(self._workbench.jobs)
        ways = [Way(str(draft.file), "unsaved", draft_text(draft)) for draft in self._workbench.drafts]
        ways += [Way(str(job.id), f"job {job.id}", escaped(summary)) for job, summary in suggested]
        ways += [Way(name, name, recipe_forms.summary_of(name)) for name in recipe_forms.NAMES]
        self._pane.app.push_screen(RecipeList(ways), self._chosen)

    def _chosen(self, key: str | None) -> None:
        draft = next((draft for draft in self._workbench.drafts if str(draft.file) == key), None)
        suggesting = next((job for job, _ in proposals(self._workbench.jobs) if str(job.id) == key), None)
        if draft:
            self._take_draft(draft)
        elif suggesting:
            self._pane.plan_requested(plan_of(suggesting))
        elif key:
            self.open_form(key)

    def open_form(self, name: str) -> None:
        """Open the form of a recipe. Its defaults depend on the model, which is read in a thread."""
        row = self._pane.view.current
        reference = self._workbench.reference or next(iter(row.view.models if row else ()), "")
        self._pane.in_thread(partial(self._prepare_form, name, reference))

    def _prepare_form(self, name: str, reference: str) -> None:
        try:
            checkpoint = self._pane.checkpoints.opener()(reference) if reference else None
        except DlecError:
            checkpoint = None
        self._pane.then(self._ask, name, tuple(recipe_forms.form_fields(name, reference, checkpoint)))

    def _ask(self, name: str, fields: Sequence[Field]) -> None:
        form = RecipeForm(name, recipe_forms.summary_of(name), fields, partial(recipe_forms.filled, name))
        self._pane.app.push_screen(
            form, lambda values: self._make(name, fields, values) if values is not None else None
        )

    def _make(self, name: str, fields: Sequence[Field], values: Values) -> None:
        """Make the plan or job; after an error, show the form again with the same values."""
        pane, store = self._pane, self._workbench.store
        form, open_checkpoint = recipe_forms.filled(name, values), pane.checkpoints.opener()

        def make() -> None:
            try:
                if recipe_forms.is_measured(name):
                    pane.then(self._workbench.submit, [recipe_forms.spec_for(form, open_checkpoint, store)])
                else:
                    pane.then(pane.plan_requested, recipe_forms.write(form, open_checkpoint, store))
            except DlecError:
                pane.then(self._ask, name, [replace(field, value=values[field.name]) for field in fields])
                raise

        pane.in_thread(make)

    def report_suggestions(self, jobs: StoredJobs) -> None:
        """Report jobs that suggest a plan and have ended since the last call."""
        suggesting = {job.id for job, _ in proposals(jobs)}
        for number in sorted(suggesting - self._reported) if self._reported is not None else ():
            self._pane.notify(f"job {number} suggests a plan (press N)")
        self._reported = suggesting
