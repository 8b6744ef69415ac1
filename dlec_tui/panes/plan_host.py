"""Interface of the plan pane that its files, edits, recipes and jobs use."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from textual.app import App
from textual.notifications import SeverityLevel

from dlec_tui.plans.checkpoints import PlanCheckpoints
from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.job_specs import EditedPlan
from dlec_tui.plans.session import PlanSession
from dlec_tui.widgets.plan_view import PlanView
from dlec_tui.workbench import WorkbenchContext

if TYPE_CHECKING:
    from engine.store.jobs import JobSpec


class PlanHost(Protocol):
    """The plan pane."""

    workbench: WorkbenchContext
    session: PlanSession
    view: PlanView
    checkpoints: PlanCheckpoints

    @property
    def app(self) -> App[object]: ...

    @property
    def edited_plan(self) -> EditedPlan:
        """The plan with its file and the directory for its outputs."""

    def notify(self, message: str, *, title: str = "", severity: SeverityLevel = "information") -> None: ...

    def take_typed(self) -> None:
        """Take typed text into the document, before any other change."""

    def change(self, document: PlanDocument, note: str = "") -> None:
        """Replace the document and show it."""

    def tell(self, document: PlanDocument, note: str = "") -> None:
        """Replace the document; its text is on the screen already."""

    def plan_requested(self, text: str) -> None:
        """Edit a new plan."""

    def in_thread(self, act: Callable[[], None]) -> None:
        """Run something in a thread; report a DlecError as a notice."""

    def then(self, act: Callable[..., object], *results: object) -> None:
        """Continue in the main thread with the results of a thread."""

    def submit_in_background(self, make: "Callable[[], JobSpec]") -> None:
        """Make a job spec in a thread and submit it."""
