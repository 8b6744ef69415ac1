"""The command that does what a job does, where one does exactly that: a plan's job carries its text, not its file."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.store.jobs import JobSpec
from engine.tasks.measurement_options import DEFAULT, MeasurementOptions, options_from

_OPTIONS = ("split", "tokens", "seq_len", "dtype", "device", "batch_size", "home")
"""The fields of a measurement that have an option of their name and one value."""


def command_of(spec: JobSpec) -> list[str] | None:
    """The words of a shell command; None when there is none, or when another version of dlec made the job."""
    try:
        return _command_of(spec)
    except (KeyError, TypeError, ValueError):
        return None


def _command_of(spec: JobSpec) -> list[str] | None:
    request = spec.request
    match spec.task:
        case "profile":
            return ["dlec", "profile", _model(request), *_measurement_words(options_from(request))]
        case "score":
            what = ["--metric", request["metric"], *_block_words(request)]
            return ["dlec", "score", _model(request), *what, *_measurement_words(options_from(request))]
        case "verify":
            is_checked = request.get("load_check", True)
            return ["dlec", "verify", request["directory"], *([] if is_checked else ["--no-load-check"])]
        case _:
            return None


def _model(request: Mapping[str, Any]) -> str:
    return str(request.get("reference") or request["model"])


def _block_words(request: Mapping[str, Any]) -> list[str]:
    if "blocks" in request:
        return ["--blocks", ",".join(f"{start}:{end}" for start, end in request["blocks"])]
    return ["--width", ",".join(map(str, request["width"]))]


def _measurement_words(measurement: MeasurementOptions) -> Iterator[str]:
    """What differs from the default."""
    for file in measurement.text:
        yield from ("--text", file)
    for name in _OPTIONS:
        if (value := getattr(measurement, name)) != getattr(DEFAULT, name):
            yield from (f"--{name.replace('_', '-')}", str(value))
