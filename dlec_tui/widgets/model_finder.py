"""Search for models in a thread; a separate process asks the hub about one model."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget
from textual.worker import get_current_worker

from dlec_tui.models.listing import FoundModel
from engine.errors import DlecError

if TYPE_CHECKING:
    from engine.checkpoint.summary import ModelSummary


SHOW_SECONDS = 0.1
"""Interval of posting found models: one message per model would keep the screen busy."""


class ModelsFound(Message):
    """More models were found."""

    def __init__(self, search: int, models: Sequence[FoundModel]) -> None:
        """search: number of the search."""
        super().__init__()
        self.search, self.models = search, models


class SearchEnded(Message):
    """The search has ended."""

    def __init__(self, search: int, problem: str) -> None:
        """problem: error of the store; "" without one."""
        super().__init__()
        self.search, self.problem = search, problem


class ModelDescribed(Message):
    """Description of a model on the hub, or the problem with it."""

    def __init__(self, summary: "ModelSummary") -> None:
        super().__init__()
        self.summary = summary


class ModelFinder(Widget):
    """Posts the models that it finds. Invisible."""

    DEFAULT_CSS = "ModelFinder { display: none; }"

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self.latest = 0
        """Number of the latest search; results of earlier ones are ignored."""

    def search(self, added: Sequence[str], described: "Mapping[str, ModelSummary]") -> None:
        """Search for all models again; cancel a running search."""
        self.latest += 1
        what = (self.latest, tuple(added), dict(described))
        self.run_worker(lambda: self._search(*what), group="models", thread=True, exclusive=True)

    def describe(self, reference: str) -> None:
        """Read the headers of a model from the hub."""
        self.run_worker(lambda: self._describe(reference), group="hub", thread=True)

    def _search(self, number: int, added: Sequence[str], described: "Mapping[str, ModelSummary]") -> None:
        from dlec_tui.models.discovery import known_models, search  # late, and in the thread: the screen comes first

        worker, problem = get_current_worker(), ""
        try:
            known = known_models(self._store)
        except DlecError as error:
            known, problem = (), error.line
        for models in _bundled(search(known, added, described, Path.cwd(), lambda: worker.is_cancelled)):
            if worker.is_cancelled:
                return
            self.post_message(ModelsFound(number, models))
        self.post_message(SearchEnded(number, problem))

    def _describe(self, reference: str) -> None:
        from engine.checkpoint.summary import ModelSummary
        from engine.tasks.process import TASK_MODULE, EngineProcess

        worker = get_current_worker()

        def give_up_when_cancelled() -> None:
            if worker.is_cancelled:
                raise InterruptedError

        request = {"task": "describe", "request": {"reference": reference}}
        try:
            with (
                Path(os.devnull).open("w") as talk,
                EngineProcess([TASK_MODULE, "describe"], talk, online=True) as process,
            ):
                summary = ModelSummary(**process.answer(request, on_tick=give_up_when_cancelled))
        except DlecError as error:
            summary = ModelSummary(reference, problem=error.line)
        except InterruptedError:
            return
        self.post_message(ModelDescribed(summary))


def _bundled(models: Iterator[FoundModel]) -> Iterator[list[FoundModel]]:
    """Models in batches of SHOW_SECONDS."""
    some: list[FoundModel] = []
    since = 0.0  # the first one is shown immediately
    for model in models:
        some.append(model)
        if monotonic() - since >= SHOW_SECONDS:
            yield some
            some, since = [], monotonic()
    yield some
