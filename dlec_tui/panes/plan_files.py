"""Files of the plan pane: open, save, watch and compare. Dialogs and threads around a PlanSession."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from dlec_tui.panes.plan_host import PlanHost
from dlec_tui.plans.files import (
    OnDisk,
    as_plan_file,
    look_again,
    read_plan_file,
    require_place_for_plan,
    write_plan_file,
)
from dlec_tui.plans.plan_status import slices_in
from dlec_tui.plans.session import FileChange
from dlec_tui.terminal.path_completion import PLANS
from dlec_tui.widgets.dialogs import Question
from dlec_tui.widgets.prompts import PathPrompt
from engine.errors import shown
from engine.plan.plan_file import plan_text_of

COMPARE_HINT = "plan file (Tab completes)"
FILE_HINT = "file (Tab completes)"
Then = Callable[[], None]


class PlanFiles:
    """File dialogs of one pane. Work on the disk runs in threads, in the order of the requests."""

    def __init__(self, pane: PlanHost) -> None:
        self._pane = pane
        self._session = pane.session
        self._is_looking = False
        """Whether a thread reads the file: a disk that hangs blocks one thread, however long."""
        self._is_asking = False
        """Whether a question about the file is open."""

    # Opening

    def ask_to_open(self) -> None:
        """Prompt for a plan file and open it."""
        path = self._session.document.path
        start = f"{path.parent}/" if path else ""
        prompt = PathPrompt("open a plan", FILE_HINT, text=start, suffixes=PLANS, look=plan_text_of)
        self._pane.app.push_screen(prompt, lambda name: self.open(Path(name)) if name else None)

    def open(self, path: Path) -> None:
        """Open a plan file; confirm before unsaved changes are discarded."""
        read = partial(read_plan_file, path.absolute())
        self.unless_unsaved(lambda: self._pane.in_thread(lambda: self._pane.then(self._opened, read())))

    def unless_unsaved(self, act: Then) -> None:
        """Confirm before another plan replaces unsaved changes."""
        self._pane.take_typed()
        if not self._session.has_unsaved_changes:
            act()
            return
        path = self._session.document.path
        name = shown(path.name) if path else "the plan"
        question = Question(f"{name} has unsaved changes. Discard them?", yes="discard")
        self._pane.app.push_screen(question, lambda yes: act() if yes else None)

    def _opened(self, on_disk: OnDisk) -> None:
        self._pane.change(self._session.opened(on_disk))

    # Comparing

    def ask_to_compare(self) -> None:
        """Prompt for a plan file and show its strip."""
        prompt = PathPrompt("compare with", COMPARE_HINT, suffixes=PLANS, look=plan_text_of)
        self._pane.app.push_screen(prompt, lambda name: self._compare(Path(name)) if name else None)

    def _compare(self, path: Path) -> None:
        self._pane.in_thread(lambda: self._pane.then(self._compared, path, plan_text_of(path)))

    def _compared(self, path: Path, text: str) -> None:
        slices = slices_in(text)
        if slices.unreadable or not slices.views:
            reason = slices.unreadable or "the file is empty"
            self._pane.notify(f"{shown(path)} has no slices: {reason}", severity="warning")
        self._pane.view.strip.compare(path.name, slices.views)

    # Saving

    def save(self, then: Then) -> None:
        """Save the plan, prompting for a path if it has none; run `then` afterwards."""
        self._pane.take_typed()
        path = self._session.document.path
        if path is None:
            self.save_as(then)
        else:
            self._look(lambda: self._write(path, then))

    def save_as(self, then: Then) -> None:
        """Prompt for a path and save the plan there."""
        self._pane.take_typed()
        start = str(self._session.document.path or "")
        prompt = PathPrompt("save the plan as", FILE_HINT, text=start, suffixes=PLANS, look=require_place_for_plan)
        self._pane.app.push_screen(prompt, lambda name: self._named(as_plan_file(Path(name)), then) if name else None)

    def _named(self, path: Path, then: Then) -> None:
        self._pane.in_thread(lambda: self._pane.then(self._write_unless_taken, path, path.exists(), then))

    def _write_unless_taken(self, path: Path, exists: bool, then: Then) -> None:
        if self._session.must_confirm_path(path, exists=exists):
            question = Question(f"{shown(path)} exists. Replace it?", yes="replace")
            self._pane.app.push_screen(question, lambda yes: self._write(path, then) if yes else None)
        else:
            self._write(path, then)

    def _write(self, path: Path, then: Then) -> None:
        text = self._session.document.text
        self._pane.in_thread(lambda: self._pane.then(self._written, write_plan_file(path, text), then))

    def _written(self, written: OnDisk, then: Then) -> None:
        self._pane.tell(self._session.saved(written))
        then()

    # Changes by other programs

    def look(self) -> None:
        """Ask the user if the file has changed on disk."""
        if not self._is_asking and not self._is_looking:
            self._look(lambda: None)

    def _look(self, then: Then) -> None:
        """Run `then` if the file is unchanged, or if the user keeps the edited text."""
        if (known := self._session.known_file) is not None:
            self._is_looking = True
            self._pane.in_thread(partial(self._look_again, known, then))

    def _look_again(self, known: OnDisk, then: Then) -> None:
        """Read the file, in a thread."""
        try:
            on_disk = look_again(known)
        finally:
            self._is_looking = False
        self._pane.then(self._looked, on_disk, then)

    def _looked(self, on_disk: OnDisk | None, then: Then) -> None:
        change = self._session.change_of(on_disk)
        if change is FileChange.NONE:
            then()
        elif change is not None and on_disk is not None and not self._is_asking:
            self._ask_about(on_disk, change, then)

    def _ask_about(self, on_disk: OnDisk, change: FileChange, then: Then) -> None:
        what, yes = ("has changed on disk", "reload from disk")
        if change is FileChange.GONE:
            what, yes = ("was deleted or is unreadable", "discard the plan")
        self._is_asking = True
        question = Question(f"{shown(on_disk.path)} {what}.\nNo keeps your text; saving overwrites the file.", yes=yes)
        self._pane.app.push_screen(question, lambda reloads: self._answered(on_disk, then, reloads=bool(reloads)))

    def _answered(self, on_disk: OnDisk, then: Then, *, reloads: bool) -> None:
        self._is_asking = False
        if reloads:
            self._pane.change(self._session.reloaded(on_disk))
        else:
            self._pane.tell(self._session.kept(on_disk))
            then()
