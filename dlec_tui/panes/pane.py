"""Common base of the four panes."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Vertical
from textual.widget import Widget

from dlec_tui.actions.registry import Action, actions_of
from dlec_tui.messages import BlocksChosen
from dlec_tui.widgets.parts import Part
from dlec_tui.workbench import WorkbenchContext
from engine.errors import DlecError

if TYPE_CHECKING:
    from pathlib import Path

    from dlec_tui.jobs.job_view import StoredJobs
    from dlec_tui.plans.document import PlanDocument
    from engine.store.jobs import JobSpec


class Pane(Vertical):
    """A pane. Its actions are in dlec_tui.actions; `action_NAME` methods run them."""

    AREA: ClassVar[str]
    """Its name, and that of its actions' area."""
    ABOUT: ClassVar[str]
    """Purpose of the pane, at the top of its help."""
    last_focused: Widget | None = None

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(id=id)
        self.workbench = workbench

    def first_part(self) -> Widget | None:
        """Widget that has the focus when the pane is first shown."""
        return next(iter(_entrances(self)), None)

    def next_part(self) -> None:
        """Have the focus in the next part. A pane that hides parts for want of room shows the next one instead."""
        parts = [part for part in self.query(Part) if _entrances(part)]
        position = next((at for at, part in enumerate(parts) if part.has_focus_within), -1)
        if parts:
            self.screen.set_focus(
                _entrances(parts[(position + 1) % len(parts)])[0]
            )  # immediately: the next key belongs to it
        else:
            self.screen.focus_next()

    def come_to_front(self) -> None:
        """Have the focus where it was, at first in the first part."""
        if self.last_focused is None or not self.last_focused.is_mounted:
            self.last_focused = self.first_part()
        if self.last_focused is not None:
            self.screen.set_focus(self.last_focused)

    def on_descendant_focus(self) -> None:
        self.last_focused = self.screen.focused

    @classmethod
    def offers(cls) -> Sequence[Action]:
        """Actions that only the palette lists, such as recipes."""
        return ()

    def model_chosen(self) -> None:
        """The workbench is about another model now: `self.workbench.reference`."""

    def plan_changed(self) -> None:
        """The plan is another one now: `self.workbench.document`."""

    def blocks_chosen(self, message: BlocksChosen) -> None:
        """Add blocks of layers to the plan."""

    def plan_requested(self, text: str) -> None:
        """Edit a new plan."""

    def batch_requested(self, path: "Path") -> None:
        """Add a saved plan to the batch list."""

    def reason_against(self, name: str) -> str:  # noqa: ARG002
        """Why the action cannot be done now, for palette and notices; "" when it can."""
        return ""

    def value(self) -> str:
        """Value that `y` copies."""
        return ""

    def command(self) -> str:
        """Equivalent shell command, which `Y` copies."""
        return ""

    def in_thread(self, act: "Callable[[], None]") -> None:
        """Run something in a thread; report a DlecError as a notice."""
        self.run_worker(partial(self._try, act), group="plan-file", thread=True)

    def _try(self, act: "Callable[[], None]") -> None:
        try:
            act()
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error")

    def then(self, act: "Callable[..., object]", *results: object) -> None:
        """Continue in the main thread with the results of a thread."""
        self.app.call_from_thread(act, *results)

    def submit_in_background(self, make: "Callable[[], JobSpec]") -> None:
        """Make a job spec in a thread, because that reads the disk, and submit it; report an error as a notice."""
        self.run_worker(partial(self._submit, make), group="submit", thread=True)

    def _submit(self, make: "Callable[[], JobSpec]") -> None:
        try:
            specs = [make()]
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
        else:
            self.app.call_from_thread(self.workbench.submit, specs)

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        """The jobs have changed."""

    def store_unreadable(self, reason: str) -> None:
        """Cannot read the jobs."""

    def latest_document(self) -> "PlanDocument | None":
        """The plan with what was typed a moment ago, of which the workbench may not have been told yet."""
        return None

    def remembered(self) -> dict[str, Any]:
        """State that survives a restart, as data for JSON."""
        return {}

    def recall(self, remembered: dict[str, Any]) -> None:
        """Bring back what `remembered` gave in an earlier session; anything in it may be stale."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out in the footer what cannot be done now."""
        known = next((each for each in actions_of(self.AREA) if each.name == action), None)
        if known is None:
            return super().check_action(action, parameters)
        return None if self.workbench.reason_against(known) else True


def _entrances(within: Widget) -> list[Widget]:
    """Focusable visible widgets, in order."""
    return [widget for widget in within.screen.focus_chain if within in widget.ancestors]
