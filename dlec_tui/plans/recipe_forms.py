"""Recipes as forms. The fields come from the options of the recipes, as on the command line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlec_tui.measurements.requests import Field, Values
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.errors import UsageError
from engine.jobs.job_specs import classic_spec, propose_spec, search_spec
from engine.jobs.settings import job_settings
from engine.plan.recipes import dlec, dlec_search
from engine.plan.recipes.blocks import layers_for_growth
from engine.plan.recipes.registry import MEASURED, RECIPES, fields_of
from engine.plan.recipes.registry import Field as OptionField
from engine.plan.recipes.repeat import GROWTH
from engine.store.jobs import JobSpec
from engine.tasks.inertness import inertness_trials
from engine.tasks.measurement_options import MeasurementOptions, request_for

NAMES = (*MEASURED, *RECIPES)
"""Names of all recipes, those that measure first."""
_OPTIONS_OF_MEASURED = {
    "dlec": fields_of(dlec.Options),
    "dlec-search": fields_of(dlec_search.Options),
    "dlec-classic": (),
}
_WITH_BUDGET = ("dlec", "dlec-search")
OpenCheckpoint = Callable[[str], Checkpoint]


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in: nothing has been opened yet."""

    recipe: str
    model: str
    """A reference."""
    options: Mapping[str, Any]
    """Given options by name, without those left to the recipe."""


def summary_of(name: str) -> str:
    """Summary in one line."""
    return RECIPES[name].summary if name in RECIPES else MEASURED[name].summary


def is_measured(name: str) -> bool:
    """Whether it takes a job."""
    return name in MEASURED


def form_fields(name: str, reference: str, checkpoint: Checkpoint | None) -> Iterator[Field]:
    """The model, then each option with what it means. checkpoint: the model's, where it could be opened."""
    yield Field("model", "model", reference, explanation="directory or hub id")
    for field in _fields_of(name):
        value = field.written(field.default)
        if name in _WITH_BUDGET and field.name == "layers" and checkpoint is not None:
            value = str(layers_for_growth(checkpoint, GROWTH))
        choices = tuple(field.form.split("|")) if "|" in field.form else ()
        yield Field(f"option-{field.name}", field.name.replace("_", " "), value, choices, field.help)


def filled(name: str, values: Values) -> Filled:
    """Raises UsageError for what cannot be read, and for what is missing."""
    model = values["model"].strip()
    if not model:
        raise UsageError("a recipe needs a model", fix="Enter a directory or a hub id.")
    options = {}
    for field in _fields_of(name):
        text = values[f"option-{field.name}"].strip()
        if text:
            options[field.name] = field.read(text)
        elif field.is_required:
            raise UsageError(f"{field.name.replace('_', ' ')} is missing", fix=f"Give {field.form}.")
    return Filled(name, model, options)


def write(form: Filled, open_checkpoint: OpenCheckpoint, store: Path) -> str:
    """The plan of a recipe that needs no job. Raises UsageError or CheckpointError."""
    recipe = RECIPES[form.recipe]
    models = {field.name for field in recipe.fields if field.is_model}
    options = {name: open_checkpoint(value) if name in models else value for name, value in form.options.items()}
    return inertness_trials(store.parent).written(recipe, open_checkpoint(form.model), recipe.options(**options))


def spec_for(form: Filled, open_checkpoint: OpenCheckpoint, store: Path) -> JobSpec:
    """The job of a recipe that measures. Raises UsageError, or CheckpointError for a model that is not here."""
    checkpoint = open_checkpoint(form.model)
    require_local(checkpoint)
    request = request_for(checkpoint, MeasurementOptions(home=str(store.parent.absolute())))
    settings = job_settings(store)
    if form.recipe == "dlec-classic":
        return classic_spec(checkpoint, request, settings)
    if form.recipe == "dlec-search":
        search = dlec_search.Options(**form.options)
        dlec_search.require_possible(checkpoint.layer_count, search)
        return search_spec(checkpoint, {**request, **asdict(search)}, settings)
    options = dlec.Options(**form.options)
    dlec.candidate_blocks(checkpoint.layer_count, options)  # raises the errors of the job early
    return propose_spec(checkpoint, {**request, **asdict(options)}, settings)


def _fields_of(name: str) -> tuple[OptionField, ...]:
    return RECIPES[name].fields if name in RECIPES else _OPTIONS_OF_MEASURED[name]
