"""Forms and job specs for measuring a model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.errors import UsageError, shown
from engine.files import expanded
from engine.jobs.job_specs import profile_spec, score_spec
from engine.jobs.settings import job_settings
from engine.store.jobs import JobSpec
from engine.tasks.score import METRICS
from engine.tasks.setting import DEFAULT, Setting, as_request
from engine.text.corpus import Half


@dataclass(frozen=True, slots=True)
class Field:
    """One of the form's."""

    name: str
    label: str
    value: str
    """At first."""
    choices: tuple[str, ...] = ()
    """Empty for a number or a name that is typed."""
    about: str = ""
    """What it means, where the label does not say."""


DTYPES = ("auto", "float32", "bfloat16", "float16")
SETTING_FIELDS = (
    Field("half", "half of the text", DEFAULT.half, tuple(half.value for half in Half)),
    Field("tokens", "tokens, at most", str(DEFAULT.tokens)),
    Field("dtype", "computed in", DEFAULT.dtype, DTYPES),
    Field("device", "device", DEFAULT.device),
)
PROFILE_FIELDS = SETTING_FIELDS
SCORE_FIELDS = (
    Field("metric", "metric", next(iter(METRICS)), tuple(METRICS)),
    Field("width", "layers in a block", "1"),
    *SETTING_FIELDS,
)

Values = Mapping[str, str]
"""What the user has left in the fields, by their names."""


def setting_of(values: Values) -> Setting:
    """Raises UsageError for what is no number."""
    tokens = positive(values["tokens"], "tokens")
    return Setting(half=Half(values["half"]), tokens=tokens, dtype=values["dtype"], device=values["device"])


def positive(text: str, what: str) -> int:
    """A whole number from 1 on. Raises UsageError for anything else."""
    if not text.strip().isascii() or not text.strip().isdecimal() or int(text) < 1:
        raise UsageError(f"{shown(text) or 'nothing'} is no number of {what}", fix="Give a whole number from 1 on.")
    return int(text)


def request_for(checkpoint: Checkpoint, setting: Setting) -> dict[str, Any]:
    """What every task that measures a checkpoint is asked with; a path is recorded so that it holds everywhere."""
    directory = str(checkpoint.directory.absolute())
    is_path = expanded(checkpoint.reference).is_dir()
    return as_request(setting) | {"model": directory, "reference": directory if is_path else checkpoint.reference}


def profile_of(reference: str, setting: Setting, store: Path) -> JobSpec:
    """Reads windows of the weights. Raises CheckpointError for what cannot be opened or is not here."""
    checkpoint, request = _asked(reference, setting, store)
    return profile_spec(checkpoint, request, job_settings(store))


def score_of(reference: str, metric: str, width: int, setting: Setting, store: Path) -> JobSpec:
    """metric: as users call it. Raises as `profile_of` does."""
    checkpoint, request = _asked(reference, setting, store)
    return score_spec(checkpoint, {**request, "metric": metric, "width": [width]}, job_settings(store))


def _asked(reference: str, setting: Setting, store: Path) -> tuple[Checkpoint, Mapping[str, Any]]:
    checkpoint = opener()(reference)
    require_local(checkpoint)
    return checkpoint, request_for(checkpoint, replace(setting, home=str(store.parent.absolute())))
