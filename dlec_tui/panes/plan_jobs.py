"""Jobs for the edited plan: preview, generate and merge."""

from functools import partial
from pathlib import Path

from dlec_tui.panes.plan_host import PlanHost
from dlec_tui.plans import job_specs
from dlec_tui.plans.job_specs import EditedPlan, MergeSize
from dlec_tui.widgets.dialogs import Question
from dlec_tui.widgets.prompts import LinePrompt, PathPrompt
from engine.errors import shown
from engine.units import byte_size

PROMPT_HINT = "prompt for both models (raw text, no chat template)"
OUTPUT_HINT = "output directory (Tab completes)"


class PlanJobs:
    """Dialogs and job specs of one pane."""

    def __init__(self, pane: PlanHost) -> None:
        self._pane = pane
        self._store = pane.workbench.store
        self.prompt = ""
        """Prompt of the last generation."""
        self.outputs: Path | None = None
        """Parent directory of the last merge; None before one was chosen."""

    def preview(self) -> None:
        """Compare the plan with its base, as a job."""
        plan, open_checkpoint = self._typed_plan(), self._pane.checkpoints.opener()
        self._pane.submit_in_background(lambda: job_specs.preview_of(plan, open_checkpoint, self._store))

    def ask_to_generate(self) -> None:
        """Prompt for a text that plan and base continue."""
        self._pane.app.push_screen(LinePrompt("generate", PROMPT_HINT, text=self.prompt), self._generate)

    def _generate(self, prompt: str | None) -> None:
        if prompt:
            self.prompt = prompt
            plan, open_checkpoint = self._typed_plan(), self._pane.checkpoints.opener()
            self._pane.submit_in_background(lambda: job_specs.generate_of(plan, prompt, open_checkpoint, self._store))

    def ask_to_merge(self) -> None:
        """Prompt for the output, then confirm the size."""
        plan = self._typed_plan()
        default = str(plan.outputs / plan.output_name)
        prompt = PathPrompt("merge into", OUTPUT_HINT, text=default, look=partial(self._check_merge, plan))
        self._pane.app.push_screen(prompt, lambda name: self._merge_into(plan, Path(name)) if name else None)

    def _check_merge(self, plan: EditedPlan, out: Path) -> MergeSize:
        """Check the output, in a thread."""
        return job_specs.check_merge(plan, out.absolute(), self._pane.checkpoints.opener(), self._store)

    def _merge_into(self, plan: EditedPlan, out: Path) -> None:
        out = out.absolute()
        self._pane.in_thread(lambda: self._pane.then(self._confirm_merge, plan, out, self._check_merge(plan, out)))

    def _confirm_merge(self, plan: EditedPlan, out: Path, size: MergeSize) -> None:
        self.outputs = out.parent
        question = f"Write {byte_size(size.written)} into {shown(out)}?\n{byte_size(size.free)} free."
        if size.missing < size.written:
            question += f" {byte_size(size.written - size.missing)} are already written; the merge resumes."
        make = partial(job_specs.merge_of, plan, out, self._pane.checkpoints.opener())
        self._pane.app.push_screen(
            Question(question, yes="merge"), lambda yes: self._pane.submit_in_background(make) if yes else None
        )

    def _typed_plan(self) -> EditedPlan:
        """The plan with typed text."""
        self._pane.take_typed()
        return self._pane.edited_plan
