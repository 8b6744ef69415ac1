"""Submission of jobs from a pane, in a background thread because making a job spec reads the disk."""

from collections.abc import Callable
from functools import partial

from dlec_tui.panes.pane import Pane
from engine.errors import DlecError
from engine.store.jobs import JobSpec


def submit_in_background(pane: Pane, made: Callable[[], JobSpec]) -> None:
    """Make a job spec in a thread and submit it; an error is shown as a notice."""
    pane.run_worker(partial(_submit, pane, made), group="submit", thread=True)


def _submit(pane: Pane, made: Callable[[], JobSpec]) -> None:
    try:
        specs = [made()]
    except DlecError as error:
        pane.app.call_from_thread(pane.notify, str(error), severity="error", markup=False)
    else:
        pane.app.call_from_thread(pane.workbench.submit, specs)
