"""Edits of slices, fixes of problems and the external editor: all change the text of the plan."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from textual.app import SuspendNotSupported

from dlec_tui.measurements.requests import Values
from dlec_tui.messages import BlocksChosen
from dlec_tui.panes.plan_host import PlanHost
from dlec_tui.plans import edits as plan_edits
from dlec_tui.plans.edits import factor_from, new_slice, slice_fields, wrong_with_factor, wrong_with_number
from dlec_tui.plans.lines import SliceRow
from dlec_tui.terminal.outside_editor import edited_outside
from dlec_tui.widgets.forms import RecipeForm
from dlec_tui.widgets.prompts import LinePrompt
from engine.errors import DlecError, shown
from engine.plan import edits
from engine.plan.check import applied
from engine.plan.edits import Edited
from engine.plan.problems import Problem

ON_A_SLICE = (
    *("duplicate", "delete", "move_up", "move_down", "start_down", "start_up", "end_down", "end_up"),
    *("scale", "zero", "split", "repeat"),
)
ON_A_RANGE = ("start_down", "start_up", "end_down", "end_up", "split")
NEEDS_TERMINAL = "an external editor needs a terminal"
FACTOR_HINT = "1: unchanged, 0: inert, empty: no scale"


class PlanEdits:
    """Edits of one pane's plan: prompts for their arguments, and the position of the cursor after them."""

    def __init__(self, pane: PlanHost) -> None:
        self._pane = pane
        self._session = pane.session

    def fix(self) -> None:
        """Apply the automatic fix of the selected problem."""
        if (problem := self._pane.view.problems.current) and (change := problem.change):
            self._edit(f"fix {problem.rule}", lambda text: Edited(applied(text, [change])))

    def edit_outside(self) -> None:
        """Edit the text in the user's editor, while the workbench is suspended."""
        self._pane.take_typed()
        document = self._session.document
        try:
            with self._pane.app.suspend():
                text = edited_outside(document.text, document.path.name if document.path else "plan.yaml")
        except SuspendNotSupported:
            self._pane.notify(NEEDS_TERMINAL, severity="warning")
        except DlecError as error:
            self._pane.notify(str(error), severity="error")
        else:
            self._pane.change(document.edited(text, "edit outside"))

    def _edit(self, what: str, edit: Callable[[str], Edited], *, to: int | None = None) -> None:
        """Edit the text. to: number of the slice that is selected afterwards."""
        self._pane.take_typed()
        try:
            edited = edit(self._session.document.text)
        except DlecError as error:
            self._pane.notify(str(error), title=what, severity="warning")
            return
        self._pane.change(self._session.document.edited(edited.text, what), edited.note)
        if to is not None:
            self._pane.view.list.point_to(to)

    def _edit_current(self, what: str, edit: Callable[[str, int], Edited], *, by: int = 0) -> None:
        """Edit the selected slice. by: number of positions that the cursor moves down."""
        if row := self._row_of_text():
            number = row.number
            self._edit(f"{what} slice {number + 1}", lambda text: edit(text, number), to=number + by)

    @property
    def _row(self) -> SliceRow | None:
        """Selected slice."""
        return self._pane.view.current

    def _row_of_text(self) -> SliceRow | None:
        """Selected slice, after typed text was taken and read."""
        self._pane.take_typed()
        self._pane.view.read_slices()
        return self._row

    def add(self) -> None:
        """Prompt for a new slice below the selected one."""
        row = self._row
        model = row.view.models[0] if row and row.view.models else self._pane.workbench.reference
        fields = slice_fields(model or "", row.view if row else None)
        self._pane.app.push_screen(RecipeForm("new slice", "below the selected slice", fields, new_slice), self._add)

    def _add(self, values: Values | None) -> None:
        if values is not None:
            after = self._row.number if self._row else None
            made = new_slice(values)
            to = 0 if after is None else after + 1
            self._edit("add slice", lambda text: edits.add_slice(text, after, *made), to=to)

    def duplicate(self) -> None:
        self._edit_current("duplicate", edits.duplicate_slice, by=1)

    def delete(self) -> None:
        self._edit_current("delete", edits.delete_slice)

    def move(self, by: int) -> None:
        self._edit_current("move", lambda text, number: edits.move_slice(text, number, by), by=by)

    def resize(self, start: int, end: int) -> None:
        """Move the ends of the selected slice by numbers of layers."""
        if (row := self._row_of_text()) and row.view.start is not None and row.view.end is not None:
            bounds = row.view.start + start, row.view.end + end
            self._edit_current("resize", lambda text, number: edits.set_range(text, number, *bounds))

    def zero(self) -> None:
        """Scale the selected slice by 0, or remove its scale of 0."""
        if row := self._row_of_text():
            self._scale(row, None if row.view.scale == 0 else 0.0)

    def scale(self) -> None:
        """Prompt for the scale of the selected slice."""
        if row := self._row:
            factor = row.view.scale
            text = "" if factor is None else f"{factor:g}"
            prompt = LinePrompt(f"scale of slice {row.number + 1}", FACTOR_HINT, text=text, check=wrong_with_factor)
            self._pane.app.push_screen(
                prompt, lambda line: None if line is None else self._scale(row, factor_from(line))
            )

    def _scale(self, row: SliceRow, factor: float | None) -> None:
        filters = plan_edits.writers_of(row.view, self._pane.checkpoints.known)
        scaled = partial(edits.set_scale, index=row.number, factor=factor, filters=filters)
        self._edit(f"scale slice {row.number + 1}", scaled, to=row.number)

    def split(self) -> None:
        """Prompt for the layer before which the selected slice is split."""
        row = self._row
        if row and row.view.start is not None and row.view.end is not None:
            start, end = row.view.start, row.view.end
            self._ask_number(
                f"split slice {row.number + 1} ({start}:{end})",
                f"split before layer ({start + 1} to {end - 1})",
                (start + end) // 2,
                lambda at: self._edit_current("split", lambda text, number: edits.split_slice(text, number, at)),
            )

    def repeat(self) -> None:
        """Prompt for the number of extra repeats of the selected slice."""
        if row := self._row:
            title = f"repeat slice {row.number + 1}"
            self._ask_number(title, "extra repeats", 1, self._repeat)

    def _repeat(self, times: int) -> None:
        self._edit_current("repeat", lambda text, number: edits.repeat_slice(text, number, times))

    def _ask_number(self, title: str, hint: str, default: int, act: Callable[[int], None]) -> None:
        prompt = LinePrompt(title, hint, text=str(default), check=wrong_with_number)
        self._pane.app.push_screen(prompt, lambda line: act(int(line)) if line else None)

    # Blocks

    def add_blocks(self, message: BlocksChosen) -> None:
        """Add blocks of layers as slices, with the measurement that justifies them as a comment."""
        self._pane.take_typed()
        text = self._session.document.text
        work = partial(self._write_blocks, text, message.reference, message.blocks, message.justification)
        self._pane.in_thread(work)

    def _write_blocks(self, text: str, reference: str, blocks: tuple[tuple[int, int], ...], justification: str) -> None:
        """Write the blocks, in a thread: that opens the model."""
        edited = plan_edits.with_blocks(text, reference, blocks, justification, self._pane.checkpoints.opener())
        self._pane.then(self._take_blocks, text, edited, justification)

    def _take_blocks(self, text: str, edited: Edited, justification: str) -> None:
        document = self._session.document
        if document.text != text:
            self._pane.notify("the plan has changed: add the blocks again", severity="warning")
            return
        reasons = "; ".join(dict.fromkeys(filter(None, (document.justification, justification))))
        self._pane.change(replace(document.edited(edited.text, "add blocks"), justification=reasons), edited.note)
        self._pane.view.list.point_to(len(self._session.slices.views) - 1)

    # Availability

    def reason_against(self, name: str) -> str:
        """Reason why an action is not available; "" if it is."""
        if name in ON_A_SLICE or name == "add":
            return self._reason_against_edit(name)
        if name == "fix":
            return self._reason_against_fix(self._pane.view.problems.current)
        return ""

    def _is_unread(self, model: str) -> bool:
        """Whether a check that still runs may open the model."""
        return not (self._session.is_checked or self._pane.checkpoints.has_tried(model))

    def _reason_against_fix(self, problem: Problem | None) -> str:
        if problem is None:
            return "no problems"
        if problem.change is None:
            return "no automatic fix available"
        return "" if self._session.is_checked else "the plan is being checked"

    def _reason_against_edit(self, name: str) -> str:
        if reason := self._session.slices.unreadable:
            return f"fix the text first: {reason}"
        if name == "add":
            return ""
        if self._row is None:
            return "no slice selected (a: add one, N: new plan)"
        if name in ("zero", "scale") and (models := self._row.view.models) and self._is_unread(models[0]):
            return f"{shown(models[0])} is being read"
        is_plain = len(self._row.view.models) == 1 and self._row.view.start is not None
        if name in (*ON_A_RANGE, "zero", "scale") and not is_plain:
            return "this slice cannot be edited in the list; edit the text"
        return ""
