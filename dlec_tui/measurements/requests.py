"""Forms and job specs for measuring a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.errors import UsageError, shown
from engine.jobs.job_specs import checkpoint_spec
from engine.jobs.settings import job_settings
from engine.store.jobs import JobSpec
from engine.tasks.measurement_options import DEFAULT, MeasurementOptions, request_for
from engine.tasks.score import METRICS
from engine.text.corpus import Split


@dataclass(frozen=True, slots=True)
class Field:
    """One of the form's."""

    name: str
    label: str
    value: str
    """Initial value."""
    choices: tuple[str, ...] = ()
    """Empty for a number or a name that is typed."""
    explanation: str = ""
    """Explanation of the option."""


DTYPES = ("auto", "float32", "bfloat16", "float16")
SETTING_FIELDS = (
    Field("split", "part of the text", DEFAULT.split, tuple(split.value for split in Split)),
    Field("tokens", "maximum tokens", str(DEFAULT.tokens)),
    Field("dtype", "dtype", DEFAULT.dtype, DTYPES),
    Field("device", "device", DEFAULT.device),
)
PROFILE_FIELDS = SETTING_FIELDS
SCORE_FIELDS = (
    Field("metric", "metric", next(iter(METRICS)), tuple(METRICS)),
    Field("width", "block length (layers)", "1"),
    *SETTING_FIELDS,
)

Values = Mapping[str, str]
"""Values of the fields by name."""


def measurement_of(values: Values) -> MeasurementOptions:
    """Options of the measurement. Raises UsageError for invalid numbers."""
    tokens = positive(values["tokens"], "tokens")
    return MeasurementOptions(
        split=Split(values["split"]), tokens=tokens, dtype=values["dtype"], device=values["device"]
    )


def positive(text: str, what: str) -> int:
    """A whole number from 1 on. Raises UsageError for anything else."""
    if not text.strip().isascii() or not text.strip().isdecimal() or int(text) < 1:
        raise UsageError(
            f"{shown(text) or 'nothing'} is not a valid number of {what}", fix="Enter a whole number of at least 1."
        )
    return int(text)


def profile_from(reference: str, store: Path, values: Values) -> Callable[[], JobSpec]:
    """Return a maker of the job spec of a profile. Raises UsageError for invalid values."""
    return partial(profile_of, reference, measurement_of(values), store)


def score_from(reference: str, store: Path, values: Values) -> Callable[[], JobSpec]:
    """Return a maker of the job spec of a score for all blocks of one width. Raises UsageError for invalid values."""
    width = positive(values["width"], "layers")
    return partial(score_of, reference, values["metric"], width, measurement_of(values), store)


def profile_of(reference: str, measurement: MeasurementOptions, store: Path) -> JobSpec:
    """Reads windows of the weights. Raises CheckpointError for what cannot be opened or is not here."""
    checkpoint, request = _checkpoint_and_request(reference, measurement, store)
    return checkpoint_spec("profile", checkpoint, request, job_settings(store))


def score_of(reference: str, metric: str, width: int, measurement: MeasurementOptions, store: Path) -> JobSpec:
    """metric: as users call it. Raises as `profile_of` does."""
    checkpoint, request = _checkpoint_and_request(reference, measurement, store)
    return checkpoint_spec("score", checkpoint, {**request, "metric": metric, "width": [width]}, job_settings(store))


def _checkpoint_and_request(
    reference: str, measurement: MeasurementOptions, store: Path
) -> tuple[Checkpoint, Mapping[str, Any]]:
    checkpoint = opener()(reference)
    require_local(checkpoint)
    return checkpoint, request_for(checkpoint, replace(measurement, home=str(store.parent.absolute())))
