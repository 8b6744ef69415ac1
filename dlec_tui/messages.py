"""Messages between widgets, panes and app. Workers and widgets post them; only handlers change the screen."""

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from dlec_tui.plans.document import PlanDocument

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs


class ModelChosen(Message):
    """Request to open another model in all panes."""

    def __init__(self, reference: str) -> None:
        """reference: a directory or a hub id."""
        super().__init__()
        self.reference = reference


class PlanEdited(Message):
    """The plan was edited, saved or replaced."""

    def __init__(self, document: PlanDocument, note: str = "") -> None:
        """note: notice for the user about the edit."""
        super().__init__()
        self.document = document
        self.note = note


class BlocksChosen(Message):
    """Request to add blocks marked among the measurements to the plan, as slices."""

    def __init__(self, reference: str, blocks: tuple[tuple[int, int], ...], justification: str) -> None:
        """blocks: [start, end) ranges, ascending; justification: text naming their measurement."""
        super().__init__()
        self.reference = reference
        self.blocks = blocks
        self.justification = justification


class PlanRequested(Message):
    """Request to edit a plan without a file: the one that a job suggests or was run with."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class BatchRequested(Message):
    """Request to add a saved plan to the batch list."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class JobsSeen(Message):
    """The jobs have changed."""

    def __init__(self, jobs: "StoredJobs") -> None:
        super().__init__()
        self.jobs = jobs


class StoreUnreadable(Message):
    """Cannot read the jobs."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
