"""Dialogs that ask how to measure a model, and submit the measurement as a job."""

from collections.abc import Callable, Sequence
from functools import partial

from dlec_tui.jobs.submit import submit_in_background
from dlec_tui.measurements.requests import (
    PROFILE_FIELDS,
    SCORE_FIELDS,
    Field,
    Values,
    positive,
    profile_of,
    score_of,
    setting_of,
)
from dlec_tui.models.listing import name_of
from dlec_tui.panes.pane import Pane
from dlec_tui.widgets.forms import MeasureForm
from engine.errors import shown
from engine.store.jobs import JobSpec

Makes = Callable[[], JobSpec]


def ask_profile(pane: Pane, reference: str) -> None:
    """One pass over every layer and neuron."""

    def made(values: Values) -> Makes:
        return partial(profile_of, reference, setting_of(values), pane.workbench.store)

    _ask(pane, f"profile {shown(name_of(reference))}", PROFILE_FIELDS, made)


def ask_score(pane: Pane, reference: str) -> None:
    """One metric of all blocks of one width."""

    def made(values: Values) -> Makes:
        width = positive(values["width"], "layers")
        return partial(score_of, reference, values["metric"], width, setting_of(values), pane.workbench.store)

    _ask(pane, f"measure layers of {shown(name_of(reference))}", SCORE_FIELDS, made)


def _ask(pane: Pane, title: str, fields: Sequence[Field], made: Callable[[Values], Makes]) -> None:
    def answered(values: Values | None) -> None:
        if values is not None:
            submit_in_background(pane, made(values))

    pane.app.push_screen(MeasureForm(title, fields, made), answered)
