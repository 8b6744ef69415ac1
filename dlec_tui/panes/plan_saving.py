"""The plan as a file: opened, saved, changed by others, edited outside, and put on the batch list."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.app import SuspendNotSupported

from dlec_tui.messages import BatchRequested
from dlec_tui.panes.plan_editing import PlanEditing
from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.files import (
    OnDisk,
    as_plan_file,
    look_again,
    read_plan_file,
    require_place_for_plan,
    write_plan_file,
)
from dlec_tui.terminal.outside_editor import edited_outside
from dlec_tui.terminal.path_completion import PLANS
from dlec_tui.widgets.dialogs import Question
from dlec_tui.widgets.prompts import PathPrompt
from dlec_tui.workbench import WorkbenchContext
from engine.errors import DlecError, shown
from engine.plan.plan_file import plan_text_of

LOOK_SECONDS = 2.0
"""Between two looks at the file."""
FILE_HINT = "file (Tab completes)"
Then = Callable[[], None]


class PlanSaving(PlanEditing):
    """Whatever touches the disk does so in a thread, one after the other."""

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self._on_disk: OnDisk | None = None
        """The file as it is known; None before it was looked at."""
        self._is_looking = False
        """Whether a thread looks at the file: a disk that hangs keeps one, however long."""
        self._asks = False
        """Whether a question about the file is open."""

    def on_mount(self) -> None:
        super().on_mount()
        if self.document.path:
            self._on_disk = OnDisk(self.document.path, None, self.document.saved)
        self.set_interval(LOOK_SECONDS, self.look_at_file)

    def come_to_front(self) -> None:
        super().come_to_front()
        self.look_at_file()

    # Opening

    def action_open(self) -> None:
        start = f"{self.document.path.parent}/" if self.document.path else ""
        prompt = PathPrompt("open a plan", FILE_HINT, text=start, suffixes=PLANS, look=plan_text_of)
        self.app.push_screen(prompt, lambda name: self.open_file(Path(name)) if name else None)

    def open_file(self, path: Path) -> None:
        """Have the plan in a file, unless unsaved changes are to be kept."""
        self.unless_unsaved(lambda: self.in_thread(lambda: self.then(self._opened, read_plan_file(path.absolute()))))

    def unless_unsaved(self, act: Then) -> None:
        """Ask before another plan takes the place of one that is not saved."""
        self.take_typed()
        if not (self.document.is_changed and self.document.text.strip()):
            act()
            return
        name = shown(self.document.path.name) if self.document.path else "the plan"
        question = Question(f"{name} has unsaved changes. Discard them?", yes="discard")
        self.app.push_screen(question, lambda yes: act() if yes else None)

    def _opened(self, found: OnDisk) -> None:
        self._on_disk = found
        self.change(PlanDocument().opened(found.text or "", found.path))

    def plan_requested(self, text: str) -> None:
        """Edit a new plan; ask before unsaved changes are discarded."""
        self.unless_unsaved(lambda: self._begun(text))

    def _begun(self, text: str) -> None:
        self._on_disk = None
        self.change(PlanDocument().opened(text, None))
        self.go_to(self.list)

    # Saving

    def action_save(self) -> None:
        self.save(lambda: self.notify(f"{shown(self.document.path)} saved"))

    def save(self, then: Then) -> None:
        """Under its name, which is asked for where it has none; `then` is done when it is saved."""
        self.take_typed()
        path = self.document.path
        if path is None:
            self._save_as(then)
        else:
            self._look_at_file(lambda: self._write(path, then))

    def action_save_as(self) -> None:
        self.take_typed()
        self._save_as(lambda: self.notify(f"{shown(self.document.path)} saved"))

    def _save_as(self, then: Then) -> None:
        path = self.document.path
        start = str(path or "")
        prompt = PathPrompt("save the plan as", FILE_HINT, text=start, suffixes=PLANS, look=require_place_for_plan)
        self.app.push_screen(prompt, lambda name: self._named(as_plan_file(Path(name)), then) if name else None)

    def _named(self, path: Path, then: Then) -> None:
        self.in_thread(lambda: self.then(self._write_unless_taken, path, path.exists(), then))

    def _write_unless_taken(self, path: Path, exists: bool, then: Then) -> None:
        if path != self.document.path and exists:
            question = Question(f"{shown(path)} exists. Replace it?", yes="replace")
            self.app.push_screen(question, lambda yes: self._write(path, then) if yes else None)
        else:
            self._write(path, then)

    def _write(self, path: Path, then: Then) -> None:
        text = self.document.text
        self.in_thread(lambda: self.then(self._written, write_plan_file(path, text), then))

    def _written(self, written: OnDisk, then: Then) -> None:
        self._on_disk = written
        self.tell(replace(self.document, path=written.path, saved=written.text))
        then()

    # What others do to the file

    def look_at_file(self) -> None:
        """Ask the user if the file has changed on disk."""
        if self.display and not self._asks and not self._is_looking:
            self._look_at_file(lambda: None)

    def _look_at_file(self, then: Then) -> None:
        """Run `then` if the file is unchanged, or if the user keeps the edited text."""
        known, path = self._on_disk, self.document.path
        if path is None:
            return
        if known is None or known.path != path:
            known = OnDisk(path, None, self.document.saved)
        self._is_looking = True
        self.in_thread(partial(self._look, known, then))

    def _look(self, known: OnDisk, then: Then) -> None:
        """Read the file, in a thread."""
        try:
            found = look_again(known)
        finally:
            self._is_looking = False
        self.then(self._looked, found, then)

    def _looked(self, found: OnDisk | None, then: Then) -> None:
        if found is None or found.text == self.document.saved:
            self._on_disk = found or self._on_disk
            then()
        elif found.path == self.document.path and not self._asks:
            self._ask_about(found, then)

    def _ask_about(self, found: OnDisk, then: Then) -> None:
        what, yes = ("has changed on disk", "reload from disk")
        if found.text is None:
            what, yes = "was deleted or is unreadable", "discard the plan"
        self._asks = True
        question = Question(f"{shown(found.path)} {what}.\nNo keeps your text; saving overwrites the file.", yes=yes)
        self.app.push_screen(question, lambda gives_up: self._answered(found, then, gives_up=bool(gives_up)))

    def _answered(self, found: OnDisk, then: Then, *, gives_up: bool) -> None:
        self._asks = False
        self._on_disk = found
        if not gives_up:
            self.tell(replace(self.document, saved=found.text))
            then()
        elif found.text is None:
            self.change(PlanDocument().opened("", None))
        else:
            self.change(replace(self.document.edited(found.text, "reload"), saved=found.text))

    # Elsewhere

    def action_edit_outside(self) -> None:
        self.take_typed()
        name = self.document.path.name if self.document.path else "plan.yaml"
        try:
            with self.app.suspend():
                text = edited_outside(self.document.text, name)
        except SuspendNotSupported:
            self.notify("an external editor needs a terminal", severity="warning")
        except DlecError as error:
            self.notify(str(error), severity="error")
        else:
            self.change(self.document.edited(text, "edit outside"))

    def action_add_to_batch(self) -> None:
        self.save(self._add_to_batch)

    def _add_to_batch(self) -> None:
        if self.document.path:
            self.post_message(BatchRequested(self.document.path))

    def reason_against(self, name: str) -> str:
        match name:
            case "save" if self.document.path and not self.document.is_changed:
                return "no unsaved changes"
            case "save" | "save_as" | "add_to_batch" if not self.document.text.strip():
                return "the plan is empty"
            case "edit_outside" if self.app.is_web:
                return "an external editor needs a terminal"
        return super().reason_against(name)

    # Threads

    def in_thread(self, act: Then) -> None:
        """Do something that may raise DlecError, which becomes a notice."""
        self.run_worker(partial(self._try, act), group="plan-file", thread=True)

    def _try(self, act: Then) -> None:
        try:
            act()
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error")

    def then(self, act: Callable[..., object], *found: object) -> None:
        """Continue in the main thread with the result of a thread."""
        self.app.call_from_thread(act, *found)
