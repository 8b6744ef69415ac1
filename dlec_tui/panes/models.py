"""The models that are here, in the hub cache, and on the hub."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable

from dlec_tui.actions.registry import MODELS, bindings
from dlec_tui.messages import ModelChosen
from dlec_tui.models.listing import (
    NOTHING_FOUND,
    SEARCHING,
    FoundModel,
    as_data,
    details,
    leads_to,
    none_matches,
    reason_against,
    require_addable,
)
from dlec_tui.panes.pane import Pane
from dlec_tui.widgets.model_finder import ModelDescribed, ModelFinder, ModelsFound, SearchEnded
from dlec_tui.widgets.model_table import ModelTable
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.prompts import LinePrompt, PathPrompt
from dlec_tui.widgets.text_views import ModelDetails
from dlec_tui.wording import printable
from dlec_tui.workbench import WorkbenchContext
from engine.errors import shown
from engine.tasks.specs import Listing, spec_of
from engine.units import byte_size, plural

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs
    from engine.checkpoint.summary import ModelSummary

ADD_HINT = "directory (Tab completes) or hub id ORG/NAME; reads headers only"
FILTER_HINT = "filter by name, path, family or state (empty: show all)"


class ModelsPane(Pane):
    """The list, which grows while models are found, and all that is known of the one under the cursor."""

    AREA = "models"
    ABOUT = "Models on this disk, in the hub cache and on the hub. Enter opens a model in all panes."
    BINDINGS: ClassVar[list[BindingType]] = bindings(MODELS)
    DEFAULT_CSS = """
    ModelsPane > #models-part { height: 1fr; }
    ModelsPane > #model-part { height: 8; }
    ModelsPane #model-details { height: 1fr; }
    """

    def __init__(self, workbench: WorkbenchContext, *, id: str) -> None:
        super().__init__(workbench, id=id)
        self._added: list[str] = []
        self._described: dict[str, ModelSummary] = {}
        self._results: list[FoundModel] | None = None
        """Results of the running search; None if no search runs."""
        self._is_first_search = True
        self._problem = ""
        """Why the store could not be asked; "" when it could."""
        self._wanted_cursor = ""
        self._changes: int | None = None

    def compose(self) -> ComposeResult:
        with Part("models", id="models-part"):
            yield ModelTable(id="models-table")
        with Part("model", id="model-part"):
            yield ModelDetails(id="model-details")
        yield ModelFinder(self.workbench.store)

    def come_to_front(self) -> None:
        if self._is_first_search and self._results is None:  # what is remembered has come by now
            self.action_look_again()
        super().come_to_front()

    # The search

    def action_look_again(self) -> None:
        self._results = []
        self.query_one(ModelFinder).search(self._added, self._described)
        self._tell()

    @on(ModelsFound)
    def _take_found(self, message: ModelsFound) -> None:
        if self._results is None or message.search != self.query_one(ModelFinder).latest:
            return  # from a cancelled search
        self._results += message.models
        if self._is_first_search:
            self._table.extend(message.models)
            self._go_to_wanted()
        self._tell()

    @on(SearchEnded)
    def _search_ended(self, message: SearchEnded) -> None:
        if message.search != self.query_one(ModelFinder).latest:
            return
        if not self._is_first_search:
            self._table.replace(self._results or [])
            self._go_to_wanted()
        self._results, self._is_first_search, self._problem = None, False, message.problem
        if message.problem:
            self.notify(message.problem, title="cannot read the store", severity="error")
        self._tell()

    def jobs_seen(self, jobs: "StoredJobs") -> None:
        changes = sum(
            each.job.state_name == "done" and Listing.MODELS in spec_of(each.job.spec.task).invalidates
            for each in jobs.jobs
        )
        if self._changes not in (None, changes):
            self.action_look_again()
        self._changes = changes

    def _go_to_wanted(self) -> None:
        if self._wanted_cursor and self._table.go_to(self._wanted_cursor):
            self._wanted_cursor = ""

    # What is under the cursor

    @property
    def _table(self) -> ModelTable:
        return self.query_one(ModelTable)

    @property
    def _current(self) -> FoundModel | None:
        return self._table.current

    @on(DataTable.RowHighlighted)
    def _tell(self) -> None:
        """Titles and details, as they are now."""
        table, current = self._table, self._current
        searching = "searching; " if self._results is not None else ""
        filtered = f" of {table.total}, filter: {shown(table.filter_text)}" if table.filter_text else ""
        title = f"{searching}{plural(table.row_count, 'model')}{filtered}"
        self.query_one("#models-part", Part).entitle(title)
        lines = list(details(current)) if current else self._placeholder().splitlines()
        self.query_one(ModelDetails).show(lines)
        self.refresh_bindings()

    def _placeholder(self) -> str:
        """Text while no model is selected."""
        if self._table.total and self._table.filter_text:
            return none_matches(self._table.total, self._table.filter_text)
        if self._results is not None:
            return SEARCHING
        return printable(self._problem) if self._problem else NOTHING_FOUND

    @on(DataTable.RowSelected)
    async def _opened_by_mouse(self) -> None:
        await self.run_action("open_model")

    async def action_open_model(self) -> None:
        if current := self._current:
            self.post_message(ModelChosen(current.reference))
            await self.workbench.show_pane("activations")

    def reason_against(self, name: str) -> str:
        return reason_against(name, self._current, self._added)

    # What is done with it

    def action_profile(self) -> None:
        from dlec_tui.measurements.requests import profile_of  # late: the list comes first
        from engine.tasks.measurement_options import DEFAULT

        if current := self._current:
            self.submit_in_background(lambda: profile_of(current.reference, DEFAULT, self.workbench.store))

    def action_download(self) -> None:
        from dlec_tui.widgets.dialogs import Question
        from engine.jobs.job_specs import download_spec

        if current := self._current:
            spec = download_spec(current.reference)
            size = f", {byte_size(current.summary.bytes)}" if current.summary.bytes else ""
            question = Question(f"Download {shown(current.reference)}{size}?", yes="download")

            def answered(yes: bool | None) -> None:
                if yes:
                    self.workbench.submit([spec])

            self.app.push_screen(question, answered)

    def action_add_path(self) -> None:
        self.app.push_screen(PathPrompt("add", ADD_HINT, look=require_addable), self._look_at_added)

    def _look_at_added(self, reference: str | None) -> None:
        """Decide in a thread whether the reference is a directory."""
        if reference:
            self.run_worker(
                lambda: self.app.call_from_thread(self._add, reference, os.path.isdir(reference)),  # noqa: PTH112
                group="added",
                thread=True,
            )

    def _add(self, reference: str, is_path: bool) -> None:
        name = str(Path(reference).absolute()) if is_path else reference
        if name not in self._added:
            self._added.append(name)
        self._wanted_cursor = name
        self.workbench.autosave()
        if is_path:
            self.action_look_again()
        else:
            self.notify(f"reading headers of {shown(name)} from the hub")
            self.query_one(ModelFinder).describe(name)

    @on(ModelDescribed)
    def _take_description(self, message: ModelDescribed) -> None:
        self._described[message.summary.reference] = message.summary
        self.action_look_again()

    def action_forget_path(self) -> None:
        if current := self._current:
            self._added = [path for path in self._added if not leads_to(path, current.reference)]
            self._described.pop(current.reference, None)
            self.workbench.autosave()
            self.action_look_again()

    def action_filter(self) -> None:
        self.app.push_screen(LinePrompt("filter", FILTER_HINT, text=self._table.filter_text), self._filter)

    def _filter(self, filter_text: str | None) -> None:
        if filter_text is not None:
            self._table.filter(filter_text)
            self._tell()

    # For everybody

    def value(self) -> str:
        return self._current.reference if self._current else ""

    def command(self) -> str:
        return "dlec models"

    def remembered(self) -> dict[str, Any]:
        cursor = self._current.reference if self._current else self._wanted_cursor
        return {
            "added": self._added,
            "described": as_data(self._described),
            "filter": self._table.filter_text,
            "cursor": cursor,
        }

    def recall(self, remembered: dict[str, Any]) -> None:
        self._added = [str(path) for path in remembered.get("added", [])]
        if described := remembered.get("described"):
            from dlec_tui.models.discovery import from_data

            self._described = from_data(described)
        self._wanted_cursor = str(remembered.get("cursor", ""))
        self._table.filter(str(remembered.get("filter", "")))
