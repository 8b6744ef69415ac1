"""Checker of plans: a thread that starts shortly after the last key."""

from functools import partial
from pathlib import Path

from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import get_current_worker

from dlec_tui.plans.checkpoints import PlanCheckpoints
from dlec_tui.plans.job_specs import EditedPlan
from dlec_tui.plans.plan_status import Verdict, look_over, slices_in
from dlec_tui.plans.results import read_previews
from engine.errors import DlecError
from engine.store.previews import PreviewResult

CHECK_SECONDS = 0.1
"""Delay after the last key; the check itself takes tens of milliseconds."""


class Checked(Message):
    """A text was checked."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


class PreviewsRead(Message):
    """Previews in the store for a text."""

    def __init__(self, text: str, previews: tuple[PreviewResult, ...]) -> None:
        super().__init__()
        self.text = text
        self.previews = previews


class PlanChecker(Widget):
    """Posts Checked, then PreviewsRead, for the latest plan. Invisible."""

    DEFAULT_CSS = "PlanChecker { display: none; }"

    def __init__(self, store: Path, checkpoints: PlanCheckpoints) -> None:
        super().__init__()
        self._store = store
        self._checkpoints = checkpoints
        self._timer: Timer | None = None

    def check_soon(self, plan: EditedPlan) -> None:
        """Check after a short delay that every key restarts."""
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(CHECK_SECONDS, partial(self.check, plan))

    def check(self, plan: EditedPlan) -> None:
        look = partial(self._look_over, plan)
        self.run_worker(look, group="check", thread=True, exclusive=True)

    def _look_over(self, plan: EditedPlan) -> None:
        """Check the plan, in a thread."""
        worker = get_current_worker()
        slices_in(plan.text)  # half of the work; the rest is skipped for an outdated text
        if worker.is_cancelled:
            return
        verdict = look_over(plan.text, plan.output_name, self._checkpoints, self._store, plan.outputs)
        if worker.is_cancelled:
            return
        self.post_message(Checked(verdict))
        try:
            self.post_message(PreviewsRead(plan.text, read_previews(self._store, plan.text)))
        except DlecError:
            return  # the line of jobs says what is wrong with the store
