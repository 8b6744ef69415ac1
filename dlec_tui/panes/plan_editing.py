"""Edits of the plan, in the list and in the text: both change one document with one history."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from textual import on
from textual.widgets import TextArea

from dlec_tui.measurements.requests import Values
from dlec_tui.messages import BlocksChosen
from dlec_tui.panes.plan_layout import PlanLayout
from dlec_tui.plans import edits as plan_edits
from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.edits import factor_from, new_slice, slice_fields, wrong_with_factor, wrong_with_number
from dlec_tui.plans.lines import SliceRow
from dlec_tui.widgets.forms import RecipeForm
from dlec_tui.widgets.plan_editor import PlanEditor
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
FACTOR_HINT = "1: unchanged, 0: inert, empty: no scale"
OTHER_BREAKS = "mixed line breaks were converted to one kind"


class PlanEditing(PlanLayout):
    """Edits of slices and text."""

    # The text

    def latest_document(self) -> PlanDocument:
        self.take_typed()
        return self.document

    @on(TextArea.Changed)
    def take_typed(self) -> None:
        """Take typed text into the document, before any other change."""
        had_other_breaks = self.editor.has_other_breaks
        text = self.editor.typed()
        if text is not None:
            what = f"typing in line {self.editor.line}"
            note = OTHER_BREAKS if had_other_breaks else ""
            self.tell(self.document.edited(text, what, joins=True), note)
            self.checker.check_soon(self.edited_plan)

    @on(PlanEditor.UndoWanted)
    def action_undo(self) -> None:
        self.take_typed()
        self.change(self.document.undone())

    @on(PlanEditor.RedoWanted)
    def action_redo(self) -> None:
        self.take_typed()
        self.change(self.document.redone())

    def action_switch_view(self) -> None:
        self.go_to(self.list if self.editor.has_focus else self.editor)

    @on(PlanEditor.Left)
    def _leave_text(self) -> None:
        self.go_to(self.list)

    # Problems

    def action_next_problem(self) -> None:
        if self.problems.has_focus or not self._is_at_problem():
            self.problems.step()
        self.go_to_problem()

    def _is_at_problem(self) -> bool:
        """Whether there is a current problem that the cursor of the text has not been brought to yet."""
        problem = self.problems.current
        is_there = problem is not None and problem.place is not None and self.editor.line == problem.place.line
        return problem is not None and not is_there

    def action_fix(self) -> None:
        if (problem := self.problems.current) and (change := problem.change):
            self._edit(f"fix {problem.rule}", lambda text: Edited(applied(text, [change])))

    # The list

    def _edit(self, what: str, edit: Callable[[str], Edited], *, to: int | None = None) -> None:
        """Edit the text. to: number of the slice that is selected afterwards."""
        self.take_typed()
        try:
            edited = edit(self.document.text)
        except DlecError as error:
            self.notify(str(error), title=what, severity="warning")
            return
        self.change(self.document.edited(edited.text, what), edited.note)
        if to is not None:
            self.list.point_to(to)

    def _edit_current(self, what: str, edit: Callable[[str, int], Edited], *, by: int = 0) -> None:
        """Edit the selected slice. by: number of positions that the cursor moves down."""
        if row := self._settled_row():
            number = row.number
            self._edit(f"{what} slice {number + 1}", lambda text: edit(text, number), to=number + by)

    def _settled_row(self) -> SliceRow | None:
        """The slice under the cursor, as the text has it at this moment."""
        self.take_typed()
        self.read_slices()
        return self.current

    def action_add(self) -> None:
        model = self.current.view.models[0] if self.current and self.current.view.models else self.workbench.reference
        fields = slice_fields(model or "", self.current.view if self.current else None)
        self.app.push_screen(RecipeForm("new slice", "below the selected slice", fields, new_slice), self._add)

    def _add(self, values: Values | None) -> None:
        if values is not None:
            after = self.current.number if self.current else None
            made = new_slice(values)
            to = 0 if after is None else after + 1
            self._edit("add slice", lambda text: edits.add_slice(text, after, *made), to=to)

    def action_duplicate(self) -> None:
        self._edit_current("duplicate", edits.duplicate_slice, by=1)

    def action_delete(self) -> None:
        self._edit_current("delete", edits.delete_slice)

    def action_move_up(self) -> None:
        self._edit_current("move", lambda text, number: edits.move_slice(text, number, -1), by=-1)

    def action_move_down(self) -> None:
        self._edit_current("move", lambda text, number: edits.move_slice(text, number, 1), by=1)

    def action_start_down(self) -> None:
        self._resize(-1, 0)

    def action_start_up(self) -> None:
        self._resize(1, 0)

    def action_end_down(self) -> None:
        self._resize(0, -1)

    def action_end_up(self) -> None:
        self._resize(0, 1)

    def _resize(self, start: int, end: int) -> None:
        """Change both ends by numbers of layers."""
        if (row := self._settled_row()) and row.view.start is not None and row.view.end is not None:
            bounds = row.view.start + start, row.view.end + end
            self._edit_current("resize", lambda text, number: edits.set_range(text, number, *bounds))

    def action_zero(self) -> None:
        if row := self._settled_row():
            factor = None if row.view.scale == 0 else 0.0
            self._scale(row, factor)

    def action_scale(self) -> None:
        if row := self.current:
            factor = row.view.scale
            text = "" if factor is None else f"{factor:g}"
            prompt = LinePrompt(f"scale of slice {row.number + 1}", FACTOR_HINT, text=text, check=wrong_with_factor)
            self.app.push_screen(prompt, lambda line: None if line is None else self._scale(row, factor_from(line)))

    def _scale(self, row: SliceRow, factor: float | None) -> None:
        filters = plan_edits.writers_of(row.view, self.checkpoints.known)
        scaled = partial(edits.set_scale, index=row.number, factor=factor, filters=filters)
        self._edit(f"scale slice {row.number + 1}", scaled, to=row.number)

    def action_split(self) -> None:
        row = self.current
        if row and row.view.start is not None and row.view.end is not None:
            start, end = row.view.start, row.view.end
            self._ask_number(
                f"split slice {row.number + 1} ({start}:{end})",
                f"split before layer ({start + 1} to {end - 1})",
                (start + end) // 2,
                lambda at: self._edit_current("split", lambda text, number: edits.split_slice(text, number, at)),
            )

    def action_repeat(self) -> None:
        if row := self.current:
            title = f"repeat slice {row.number + 1}"
            self._ask_number(title, "extra repeats", 1, self._repeat)

    def _repeat(self, times: int) -> None:
        self._edit_current("repeat", lambda text, number: edits.repeat_slice(text, number, times))

    def _ask_number(self, title: str, hint: str, usual: int, act: Callable[[int], None]) -> None:
        prompt = LinePrompt(title, hint, text=str(usual), check=wrong_with_number)
        self.app.push_screen(prompt, lambda line: act(int(line)) if line else None)

    # From the measurements

    def blocks_chosen(self, message: BlocksChosen) -> None:
        """Put blocks of a model's layers into the plan as slices, saying by which measurement they were found."""
        self.take_typed()
        work = partial(self._write_blocks, self.document.text, message.reference, message.blocks, message.justification)
        self.run_worker(work, group="blocks", thread=True)

    def _write_blocks(self, text: str, reference: str, blocks: tuple[tuple[int, int], ...], justification: str) -> None:
        """Write the blocks in a thread, because that opens the model."""
        try:
            edited = plan_edits.with_blocks(text, reference, blocks, justification, self.checkpoints.opener())
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error")
            return
        self.app.call_from_thread(self._take_blocks, text, edited, justification)

    def _take_blocks(self, text: str, edited: Edited, justification: str) -> None:
        if self.document.text != text:
            self.notify("the plan has changed: add the blocks again", severity="warning")
            return
        reasons = "; ".join(dict.fromkeys(filter(None, (self.document.justification, justification))))
        document = replace(self.document.edited(edited.text, "add blocks"), justification=reasons)
        self.change(document, edited.note)
        self.list.point_to(len(self.slices.views) - 1)

    # What cannot be done now

    def reason_against(self, name: str) -> str:
        if name in ON_A_SLICE or name == "add":
            return self._reason_against_edit(name)
        match name:
            case "undo" if not self.document.past:
                return "nothing to undo"
            case "redo" if not self.document.future:
                return "nothing to redo"
            case "next_problem" if not self.problems.problems:
                return "no problems"
            case "fix":
                return self._reason_against_fix(self.problems.current)
        return ""

    def _is_unread(self, model: str) -> bool:
        """Whether the check that is under way may open it yet; one that has ended has opened what it could."""
        return not (self.session.is_checked or self.checkpoints.has_tried(model))

    def _reason_against_fix(self, problem: Problem | None) -> str:
        if problem is None:
            return "no problems"
        if problem.change is None:
            return "no automatic fix available"
        return "" if self.session.is_checked else "the plan is being checked"

    def _reason_against_edit(self, name: str) -> str:
        if self.slices.unreadable:
            return f"fix the text first: {self.slices.unreadable}"
        if name == "add":
            return ""
        if self.current is None:
            return "no slice selected (a: add one, N: new plan)"
        if name in ("zero", "scale") and (models := self.current.view.models) and self._is_unread(models[0]):
            return f"{shown(models[0])} is being read"
        if name in ON_A_RANGE and self.current.view.start is None:
            return "this range cannot be edited in the list; edit the text"
        return ""
