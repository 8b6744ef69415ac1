"""Job specs for measuring a model: the same as those of `dlec profile` and `dlec score` with --queue."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.files import expanded
from engine.jobs.job_specs import profile_spec, score_spec
from engine.jobs.settings import job_settings
from engine.store.jobs import JobSpec
from engine.tasks.measurement_options import MeasurementOptions, as_request


def request_for(checkpoint: Checkpoint, measurement: MeasurementOptions) -> dict[str, Any]:
    """What every task that measures a checkpoint is asked with; a path is recorded so that it holds everywhere."""
    directory = str(checkpoint.directory.absolute())
    is_path = expanded(checkpoint.reference).is_dir()
    return as_request(measurement) | {"model": directory, "reference": directory if is_path else checkpoint.reference}


def profile_of(reference: str, measurement: MeasurementOptions, store: Path) -> JobSpec:
    """Reads windows of the weights. Raises CheckpointError for what cannot be opened or is not here."""
    checkpoint, request = _asked(reference, measurement, store)
    return profile_spec(checkpoint, request, job_settings(store))


def score_of(reference: str, metric: str, width: int, measurement: MeasurementOptions, store: Path) -> JobSpec:
    """metric: as users call it. Raises as `profile_of` does."""
    checkpoint, request = _asked(reference, measurement, store)
    return score_spec(checkpoint, {**request, "metric": metric, "width": [width]}, job_settings(store))


def _asked(reference: str, measurement: MeasurementOptions, store: Path) -> tuple[Checkpoint, Mapping[str, Any]]:
    checkpoint = opener()(reference)
    require_local(checkpoint)
    return checkpoint, request_for(checkpoint, replace(measurement, home=str(store.parent.absolute())))
