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
    """Name of the pane and of the area of its actions."""
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
        """Focus the next part. A pane that hides parts on small screens shows the next one instead."""
        parts = [part for part in self.query(Part) if _entrances(part)]
        position = next((at for at, part in enumerate(parts) if part.has_focus_within), -1)
        if parts:
            self.screen.set_focus(
                _entrances(parts[(position + 1) % len(parts)])[0]
            )  # immediately: the next key belongs to it
        else:
            self.screen.focus_next()

    def come_to_front(self) -> None:
        """Focus the widget that had the focus last, at first the first part."""
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
        """Handle a change of the open model, `self.workbench.reference`."""

    def plan_changed(self) -> None:
        """Handle a change of the plan, `self.workbench.document`."""

    def blocks_chosen(self, message: BlocksChosen) -> None:
        """Add blocks of layers to the plan."""

    def plan_requested(self, text: str) -> None:
        """Edit a new plan."""

    def batch_requested(self, path: "Path") -> None:
        """Add a saved plan to the batch list."""

    def reason_against(self, name: str) -> str:  # noqa: ARG002
        """Reason why the action is not available, for palette and notices; "" if it is."""
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
        """Handle a change of the jobs."""

    def store_unreadable(self, reason: str) -> None:
        """Show why the jobs cannot be read."""

    def latest_document(self) -> "PlanDocument | None":
        """Plan including text that the workbench has not received yet; None if the pane edits no plan."""
        return None

    def remembered(self) -> dict[str, Any]:
        """State that survives a restart, as data for JSON."""
        return {}

    def recall(self, remembered: dict[str, Any]) -> None:
        """Restore the state that `remembered` returned in an earlier session; any of it may be outdated."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim unavailable actions in the footer."""
        known = next((each for each in actions_of(self.AREA) if each.name == action), None)
        if known is None:
            return super().check_action(action, parameters)
        return None if self.workbench.reason_against(known) else True


def _entrances(within: Widget) -> list[Widget]:
    """Focusable visible widgets, in order."""
    return [widget for widget in within.screen.focus_chain if within in widget.ancestors]
