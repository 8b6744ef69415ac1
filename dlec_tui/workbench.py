"""Interface of the workbench that its panes use."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dlec_tui.actions.registry import Action
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.slots import Draft

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs
    from engine.store.jobs import JobSpec


class WorkbenchContext(Protocol):
    """State that all panes share, and requests to the workbench."""

    store: Path
    """File of the store."""
    reference: str | None
    """The open model; None before one was opened."""
    document: PlanDocument
    """The edited plan."""
    jobs: "StoredJobs | None"
    """Jobs as they were read last; None before the first reading."""
    drafts: tuple[Draft, ...]
    """Unsaved plans of other workbenches that have ended."""

    def autosave(self) -> None:
        """Save the session soon."""

    def submit(self, specs: "Sequence[JobSpec]") -> object:
        """Queue jobs and start workers for them."""

    async def show_pane(self, area: str) -> object:
        """Bring a pane to the front."""

    def reason_against(self, action: Action) -> str:
        """Reason why an action is not available; "" if it is."""

    def take_draft(self, draft: Draft) -> None:
        """Remove an opened draft from the session that it came from."""
