"""The runs pane: running, waiting and finished jobs, and the batch list."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from shlex import join
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from dlec_tui.actions.registry import RUNS, RUNS_OFFERED, Action, bindings
from dlec_tui.batches import marks_from
from dlec_tui.jobs import job_actions
from dlec_tui.jobs.job_actions import may_be_taken_over, reason_against_job, taking_over_text
from dlec_tui.jobs.job_view import StoredJob, plan_text_of_job
from dlec_tui.messages import PlanRequested
from dlec_tui.panes.pane import Pane
from dlec_tui.plans.files import plan_files, require_plans
from dlec_tui.terminal.path_completion import PLANS
from dlec_tui.widgets.batch_part import BatchPart
from dlec_tui.widgets.card_view import CardView
from dlec_tui.widgets.dialogs import CancelQuestion, Question
from dlec_tui.widgets.job_detail import JobDetail
from dlec_tui.widgets.prompts import LinePrompt, PathPrompt
from dlec_tui.widgets.runs_view import RunsView
from dlec_tui.wording import printable
from dlec_tui.workbench import WorkbenchContext
from engine.errors import DlecError, shown
from engine.store.job_states import Stop, Waiting
from engine.store.location import store_path
from engine.tasks.specs import spec_of

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs

FILTER_HINT = "filter by title, state, task or batch (empty: show all)"
PLANS_HINT = "file (Tab completes) or pattern such as plans/*.yaml"
OUTPUT_HINT = "directory; each merge writes to a subdirectory named after its plan (Tab completes)"
OF_PLANS = ("cancel", "move_up", "move_down", "run_batch")
"""Actions on plans while the batch list has the focus; run_batch always is one."""
OF_JOBS = ("open_job", "follow", "retry", "hold", "clear", "open_card")


class RunsPane(Pane):
    """The runs pane. Work on the disk runs in threads, which report their result as a notice."""

    AREA = "runs"
    ABOUT = (
        "Running, waiting and finished jobs; and the batch list: saved plans to merge in one batch. "
        "F6 goes to the next part."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(RUNS)

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self.view = RunsView(workbench.store)
        self._one_at_a_time = Lock()
        """Serialises changes of the queue."""

    def compose(self) -> ComposeResult:
        yield self.view

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        self.view.jobs = jobs
        if self.display:
            self.view.redraw()

    def come_to_front(self) -> None:
        super().come_to_front()
        self.view.batch_part.look_over()
        self.view.redraw()

    def next_part(self) -> None:
        self.view.next_part()

    # Jobs

    def action_open_job(self) -> None:
        self.view.go_to(self.view.detail.entrance)

    @on(JobDetail.Left)
    def _leave_detail(self) -> None:
        self.view.go_to(self.view.table)

    def action_follow(self) -> None:
        self.view.detail.switch_log()

    def action_cancel(self) -> None:
        if self.view.at_batch:
            self.view.batch_part.drop_current()
        elif self.view.current:
            self._ask_to_cancel(self.view.current)

    def _ask_to_cancel(self, stored: StoredJob) -> None:
        job = stored.job
        question = f"Cancel job {job.id}, {shown(job.spec.title)}?"
        if spec_of(job.spec.task).is_resumable and job.attempts:
            question += "\nIf you keep its partial output, a retry resumes there."
            self.app.push_screen(CancelQuestion(question), partial(self._cancel, job.id))
        else:
            self._ask(Question(question, yes="cancel the job"), partial(self._cancel, job.id, Stop.DISCARD))

    def _cancel(self, job_id: int, stop: Stop | None) -> None:
        if stop:
            self._do(partial(job_actions.cancel, self.workbench.store, job_id, stop))

    def action_retry(self) -> None:
        if self.view.current:
            self._do(partial(job_actions.retry, self.workbench.store, [self.view.current.job.id]))

    def action_retry_failed(self) -> None:
        retry = partial(self._do, partial(job_actions.retry, self.workbench.store, []))
        self._ask(Question("Retry all failed jobs?", yes="retry"), retry)

    def action_hold(self) -> None:
        if self.view.current is None:
            return
        job = self.view.current.job
        if isinstance(job.state, Waiting):
            self._do(partial(job_actions.hold, self.workbench.store, job.id))
            return
        release = partial(self._do, partial(job_actions.release, self.workbench.store, job.id))
        if may_be_taken_over(self.view.current):
            self._ask(Question(taking_over_text(self.view.current), yes="take over"), release)
        else:
            release()

    def action_move_up(self) -> None:
        if self.view.at_batch:
            self.view.batch_part.move_current(-1)
        elif self.view.current:
            self._do(partial(job_actions.move_up, self.workbench.store, self.view.current.job.id))

    def action_move_down(self) -> None:
        if self.view.at_batch:
            self.view.batch_part.move_current(1)
        elif self.view.current:
            self._do(partial(job_actions.move_down, self.workbench.store, self.view.current.job.id))

    def action_clear(self) -> None:
        if self.view.current:
            job = self.view.current.job
            question = f"Delete job {job.id}, {shown(job.spec.title)} and its log?\nIts output is kept."
            self._ask_to_clear(question, [job.id])

    def action_clear_ended(self) -> None:
        self._ask_to_clear("Delete all done and cancelled jobs and their logs?\nTheir output is kept.", [])

    def _ask_to_clear(self, question: str, job_ids: Sequence[int]) -> None:
        clear = partial(job_actions.clear, self.workbench.store, job_ids)
        self._ask(Question(question, yes="delete"), partial(self._do, clear))

    def action_start_workers(self) -> None:
        question = "Start a worker for every slot without one? Waiting jobs start immediately."
        self._ask(Question(question, yes="start"), partial(self._do, partial(job_actions.start, self.workbench.store)))

    def action_filter(self) -> None:
        self.app.push_screen(LinePrompt("filter jobs", FILTER_HINT, text=self.view.filter_text), self._filter)

    def store_unreadable(self, reason: str) -> None:
        self.view.table.say_unreadable(printable(reason))

    def _filter(self, filter_text: str | None) -> None:
        if filter_text is not None:
            self.view.filter_text = filter_text
            self.view.redraw()
            self.view.go_to(self.view.table)
            self.workbench.autosave()

    def action_open_plan(self) -> None:
        if self.view.at_batch:
            self.action_choose_output()
        elif self.view.current and (text := plan_text_of_job(self.view.current.job)):
            self.post_message(PlanRequested(text))

    def action_open_card(self) -> None:
        if self.view.current:
            self.app.push_screen(CardView(Path(_output_of(self.view.current))))

    # The batch list

    def batch_requested(self, path: Path) -> None:
        """Add a saved plan to the batch list and focus the list."""
        self.view.batch_part.add([path])
        self.view.go_to(self.view.batch_part.list)

    def action_add_plans(self) -> None:
        prompt = PathPrompt("add plans to the batch", PLANS_HINT, suffixes=PLANS, look=require_plans)
        self.app.push_screen(prompt, self._add_plans)

    def _add_plans(self, pattern: str | None) -> None:
        if pattern:
            self.view.go_to(self.view.batch_part.list)
            find = partial(self._find_plans, pattern)
            self.run_worker(find, group="plans", thread=True)

    def _find_plans(self, pattern: str) -> None:
        self.app.call_from_thread(self.view.batch_part.add, plan_files(pattern))

    def action_choose_output(self) -> None:
        text = str(self.view.batch_part.marks.directory)
        prompt = PathPrompt("output directory of the batch", OUTPUT_HINT, text=text)
        self.app.push_screen(prompt, self._choose_output)

    def _choose_output(self, directory: str | None) -> None:
        if directory:
            self.view.batch_part.change(self.view.batch_part.marks.into(Path(directory)))

    def action_run_batch(self) -> None:
        self.view.batch_part.run()

    @on(BatchPart.Queued)
    def _go_to_jobs(self) -> None:
        self.view.go_to(self.view.table)

    @on(BatchPart.Changed)
    def _remember(self) -> None:
        self.workbench.autosave()
        self.refresh_bindings()

    # What is remembered, copied and forbidden

    def remembered(self) -> dict[str, Any]:
        job = self.view.current.job.id if self.view.current else None
        return {"filter": self.view.filter_text, "job": job, "batch": self.view.batch_part.marks.as_data()}

    def recall(self, remembered: dict[str, Any]) -> None:
        try:
            self.view.filter_text = str(remembered["filter"])
            self.view.job_to_find = remembered["job"]
            self.view.batch_part.change(marks_from(remembered["batch"]))
        except (KeyError, TypeError):
            return  # nothing was remembered, or another version did

    def value(self) -> str:
        if self.view.at_batch:
            return str(self.view.batch_part.list.current.target.plan) if self.view.batch_part.list.current else ""
        return (_output_of(self.view.current) or str(self.view.current.job.id)) if self.view.current else ""

    def command(self) -> str:
        home = [] if self.workbench.store == store_path() else ["--home", str(self.workbench.store.parent)]
        if self.view.at_batch:
            marks = self.view.batch_part.marks
            words = ["batch", *map(str, marks.plans), "--out", str(marks.directory)] if marks.plans else []
        else:
            words = ["jobs", "show", str(self.view.current.job.id)] if self.view.current else ["jobs", "list"]
        return join(["dlec", *words, *home]) if words else ""

    def reason_against(self, name: str) -> str:
        if name == "run_batch" or (self.view.at_batch and name in OF_PLANS):
            return "" if self.view.batch_part.marks.plans else "the batch list is empty (a: add plans)"
        if self.view.at_batch and name == "open_plan":
            return ""
        if self.view.at_batch and name in OF_JOBS:
            return "no job selected: the batch list has the focus"
        return reason_against_job(name, self.view.current)

    @classmethod
    def offers(cls) -> Sequence[Action]:
        return RUNS_OFFERED

    # Questions and threads

    def _ask(self, question: Question, act: Callable[[], None]) -> None:
        self.app.push_screen(question, lambda yes: act() if yes else None)

    def _do(self, change: Callable[[], str]) -> None:
        self.run_worker(partial(self._change, change), group="queue", thread=True)

    def _change(self, change: Callable[[], str]) -> None:
        with self._one_at_a_time:
            try:
                said = change()
            except DlecError as error:
                self.app.call_from_thread(self.notify, printable(str(error)), severity="error")
                return
        if said:
            self.app.call_from_thread(self.notify, said)


def _output_of(stored: StoredJob) -> str:
    """Output directory or subject of a job; "" without one."""
    request = stored.job.spec.request
    return str(request.get("out") or request.get("directory") or "")
