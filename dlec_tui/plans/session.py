"""The edited plan: document, slices, status, state of its file, and decisions about opening and saving. No Textual."""

from dataclasses import replace
from enum import Enum
from pathlib import Path

from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.files import OnDisk
from dlec_tui.plans.plan_status import Slices, Verdict, slices_in


class FileChange(Enum):
    """Change of the file since dlec read or wrote it."""

    NONE = "none"
    CHANGED = "changed"
    GONE = "gone"
    """Deleted or unreadable."""


class PlanSession:
    """One plan while it is edited. Views read it; every change replaces the document."""

    def __init__(self) -> None:
        self.document = PlanDocument()
        self.slices = Slices()
        """Last valid slices, and the reason if the current text has none."""
        self.status: Verdict | None = None
        """Status of the text that was checked last."""
        self._on_disk: OnDisk | None = None
        self._sent: list[PlanDocument] = []
        """Documents that the workbench has not returned yet."""

    # Document

    def start(self, document: PlanDocument) -> None:
        """Begin with the document of the workbench."""
        self.document = document
        if document.path:
            self._on_disk = OnDisk(document.path, None, document.saved)

    def put(self, document: PlanDocument) -> None:
        """Replace the document. The workbench receives it, and returns it later."""
        self.document = document
        self._sent.append(document)

    def receive(self, document: PlanDocument) -> bool:
        """Take a document from the workbench; return False for one that was sent from here."""
        if any(document is sent for sent in self._sent):
            self._sent = [sent for sent in self._sent if sent is not document]
            return False
        self.document = document
        return True

    @property
    def has_unsaved_changes(self) -> bool:
        """Whether the user must confirm before another plan replaces this one."""
        return self.document.is_changed and bool(self.document.text.strip())

    # Slices and status

    def take_slices(self, slices: Slices) -> bool:
        """Take the slices of a text, or the reason why it has none; return False if nothing changes."""
        if slices.text == self.slices.text:
            return False
        self.slices = replace(slices, views=self.slices.views) if slices.unreadable else slices
        return True

    def read_slices(self) -> bool:
        """Read the slices of the current text; return False if nothing changes."""
        return self.slices.text != self.document.text and self.take_slices(slices_in(self.document.text))

    def take_status(self, status: Verdict) -> bool:
        """Take the status of the current text; return False for that of an earlier text."""
        if status.text != self.document.text:
            return False
        self.status = status
        return True

    @property
    def is_checked(self) -> bool:
        """Whether the status is that of the current text."""
        return self.status is not None and self.status.text == self.document.text

    @property
    def reason_against_running(self) -> str:
        """Reason why the plan cannot run; "" if it can, or before the check has ended."""
        if self.status is None or not self.is_checked:
            return "" if self.document.text.strip() else "the plan is empty"
        return self.status.reason_against_running

    # File

    def opened(self, on_disk: OnDisk) -> PlanDocument:
        """Document of an opened file."""
        self._on_disk = on_disk
        return PlanDocument().opened(on_disk.text or "", on_disk.path)

    def new_plan(self, text: str) -> PlanDocument:
        """Document of a new plan without a file."""
        self._on_disk = None
        return PlanDocument().opened(text, None)

    def saved(self, written: OnDisk) -> PlanDocument:
        """Document after its text was written; text typed since then stays unsaved."""
        self._on_disk = written
        return replace(self.document, path=written.path, saved=written.text)

    def must_confirm_path(self, path: Path, *, exists: bool) -> bool:
        """Whether saving to a path would replace another file."""
        return exists and path != self.document.path

    @property
    def known_file(self) -> OnDisk | None:
        """Known state of the file, to compare the disk with; None for a plan without a file."""
        path = self.document.path
        if path is None:
            return None
        is_known = self._on_disk is not None and self._on_disk.path == path
        return self._on_disk if is_known else OnDisk(path, None, self.document.saved)

    def change_of(self, on_disk: OnDisk | None) -> FileChange | None:
        """Change that a look at the file has found; None if it is about another file."""
        if on_disk is None or on_disk.text == self.document.saved:
            self._on_disk = on_disk or self._on_disk
            return FileChange.NONE
        if on_disk.path != self.document.path:
            return None
        return FileChange.GONE if on_disk.text is None else FileChange.CHANGED

    def kept(self, on_disk: OnDisk) -> PlanDocument:
        """Document with its own text, although the file has changed: saving overwrites the file."""
        self._on_disk = on_disk
        return replace(self.document, saved=on_disk.text)

    def reloaded(self, on_disk: OnDisk) -> PlanDocument:
        """Document with the text of the changed file; an empty plan if the file is gone."""
        self._on_disk = on_disk
        if on_disk.text is None:
            return PlanDocument().opened("", None)
        return replace(self.document.edited(on_disk.text, "reload"), saved=on_disk.text)
