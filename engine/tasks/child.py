"""Runs a task, or a module of engine.inference, in a process of its own, for one request."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from engine.errors import UnexpectedError
from engine.protocol import Report, no_report
from engine.tasks.process import EngineProcess

TASK_MODULE = "engine.tasks"


def run_task(name: str, request: Mapping[str, Any], on_progress: Report = no_report) -> dict[str, Any]:
    """The answer of the task `name` to `request`; see `run_child` for what is raised."""
    return _asked([TASK_MODULE, name], {"task": name, "request": request}, on_progress)


def run_child(module: str, request: Mapping[str, Any], on_progress: Report = no_report) -> dict[str, Any]:
    """The answer of `python -m module` to `request`.

    Raises the DlecError that the child reports, or MachineError when it crashes or is killed. What the child wrote on
    stderr is a note of an UnexpectedError.
    """
    return _asked([module], request, on_progress)


@contextmanager
def conversation(arguments: Sequence[str]) -> Iterator[Callable[..., dict[str, Any]]]:
    """A process that answers several requests: its `answer`, which raises like `run_child`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as talk:

        def last_words() -> str:
            talk.seek(0)
            return talk.read()

        with EngineProcess(arguments, talk) as process:
            try:
                yield partial(process.answer, last_words=last_words)
            except UnexpectedError as error:
                error.add_note(last_words())
                raise


def _asked(arguments: Sequence[str], request: Mapping[str, Any], on_progress: Report) -> dict[str, Any]:
    with conversation(arguments) as answer:
        return answer(request, on_progress)
