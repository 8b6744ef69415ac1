"""What a profile or a score can be asked with, as fields of a small form, made from the tasks' own options."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import UsageError, shown
from engine.tasks.measurement_options import DEFAULT, MeasurementOptions
from engine.tasks.score import METRICS
from engine.text.corpus import Split


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
    Field("split", "part of the text", DEFAULT.split, tuple(split.value for split in Split)),
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


def measurement_of(values: Values) -> MeasurementOptions:
    """Raises UsageError for what is no number."""
    tokens = positive(values["tokens"], "tokens")
    return MeasurementOptions(
        split=Split(values["split"]), tokens=tokens, dtype=values["dtype"], device=values["device"]
    )


def positive(text: str, what: str) -> int:
    """A whole number from 1 on. Raises UsageError for anything else."""
    if not text.strip().isascii() or not text.strip().isdecimal() or int(text) < 1:
        raise UsageError(f"{shown(text) or 'nothing'} is no number of {what}", fix="Give a whole number from 1 on.")
    return int(text)
