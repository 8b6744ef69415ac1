"""The table of tasks as the interface shows them: headline, lines and shell command of each.

Its rows are those of engine.tasks.specs that can be queued.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from dlec_tui.jobs.comparison_report import diff_headline, diff_lines, origin_headline, origin_lines
from dlec_tui.jobs.reports import (
    Answer,
    agreement,
    base_lines,
    both_models,
    classic_headline,
    classic_lines,
    eval_headline,
    eval_lines,
    files_text,
    load_check_from,
    load_check_text,
    measured_on,
    proposal_headline,
    proposal_lines,
    reason_lines,
    score_table,
    search_lines,
    size_text,
    verdict,
)
from dlec_tui.jobs.sweep_report import sweep_headline, sweep_lines
from dlec_tui.wording import printable
from engine.errors import escaped, shown
from engine.store.jobs import JobSpec
from engine.tasks.measurement_options import DEFAULT, MeasurementOptions, options_from
from engine.units import byte_size, duration, plural


def _merge_headline(answer: Answer) -> str:
    return f"{byte_size(answer['bytes'])}, {_loads_text(answer['loadcheck'])}"


def _verify_headline(answer: Answer) -> str:
    if answer["problems"]:
        return f"BROKEN: {plural(len(answer['problems']), 'problem')}"
    sums = "sums match" if answer["sums_checked"] else "files agree"
    return f"{sums}, {_loads_text(answer['loadcheck'])}"


def _loads_text(answer: Answer | None) -> str:
    check = load_check_from(answer)
    if check is None:
        return "load check skipped"
    if check.unavailable:
        return "load check not possible"
    return "load check passed" if check.ok else "LOAD CHECK FAILED"


def _preview_lines(answer: Answer) -> Iterator[str]:
    yield from both_models(answer)
    yield verdict(answer)
    yield from base_lines(answer)
    yield from filter(None, [agreement(answer)])
    yield measured_on(answer)


def _profile_lines(answer: Answer) -> Iterator[str]:
    yield f"{shown(answer['reference'])}: {plural(len(answer['layers']), 'layer')}"
    yield measured_on(answer)


def _score_lines(answer: Answer) -> Iterator[str]:
    yield f"{answer['metric']} of {plural(len(answer['scores']), 'block')}"
    yield from score_table(answer["scores"])
    yield measured_on(answer)


def _verify_lines(answer: Answer) -> Iterator[str]:
    yield f"{shown(answer['directory'])}: {size_text(answer)}"
    yield from (f"error: {escaped(problem)}" for problem in answer["problems"])
    if not answer["problems"]:
        yield files_text(sums_checked=answer["sums_checked"])
    yield from load_check_text(load_check_from(answer["loadcheck"])).splitlines()


def _generated_lines(answer: Answer) -> Iterator[str]:
    yield from (f"{name}: {printable(text)}" for name, text in answer.items())


def _plain_lines(answer: Answer) -> Iterator[str]:
    """Name and value of each figure."""
    for name, value in answer.items():
        if name == "loadcheck":
            yield from load_check_text(load_check_from(value)).splitlines()
        else:
            yield f"{shown(name).replace('_', ' '):18} {_plain(name, value)}"


def _plain(name: str, value: Any) -> str:
    if name == "bytes":
        return byte_size(value)
    if name == "seconds":
        return duration(value)
    match value:
        case str():
            return printable(value)
        case bool() | None:
            return {True: "yes", False: "no", None: "none"}[value]
        case float():
            return f"{value:.4g}"
        case list() | tuple() | dict():
            return f"{plural(len(value), 'entry', 'entries')}; dlec jobs show --json for details"
    return str(value)


_OPTIONS = ("split", "tokens", "seq_len", "dtype", "device", "batch_size", "home")
"""The fields of a measurement that have an option of their name and one value."""


def _profile_command(request: Mapping[str, Any]) -> list[str]:
    return ["dlec", "profile", _model(request), *_measurement_words(options_from(request))]


def _score_command(request: Mapping[str, Any]) -> list[str]:
    metric = ["--metric", request["metric"], *_block_words(request)]
    return ["dlec", "score", _model(request), *metric, *_measurement_words(options_from(request))]


def _verify_command(request: Mapping[str, Any]) -> list[str]:
    is_checked = request.get("load_check", True)
    return ["dlec", "verify", request["directory"], *([] if is_checked else ["--no-load-check"])]


def _diff_command(request: Mapping[str, Any]) -> list[str]:
    words = [f"--{name}={request[name]}" for name in ("pair", "plan", "home") if request.get(name)]
    flags = [flag for name, flag in (("spectrum", "--spectrum"), ("downloads", "--download")) if request.get(name)]
    return ["dlec", "diff", request["a"], request["b"], *words, *flags]


def _origin_command(request: Mapping[str, Any]) -> list[str]:
    return ["dlec", "origin", request["model"], *(f"--base={base}" for base in request["bases"])]


def _model(request: Mapping[str, Any]) -> str:
    return str(request.get("reference") or request["model"])


def _block_words(request: Mapping[str, Any]) -> list[str]:
    if "blocks" in request:
        return ["--blocks", ",".join(f"{start}:{end}" for start, end in request["blocks"])]
    return ["--width", ",".join(map(str, request["width"]))]


def _measurement_words(measurement: MeasurementOptions) -> Iterator[str]:
    """Options that differ from the defaults."""
    for file in measurement.text:
        yield from ("--text", file)
    for name in _OPTIONS:
        if (value := getattr(measurement, name)) != getattr(DEFAULT, name):
            yield from (f"--{name.replace('_', '-')}", str(value))


@dataclass(frozen=True, slots=True)
class TaskView:
    """Texts of one task in the interface."""

    headline: Callable[[Answer], str] = lambda _answer: ""
    """The result in a few words; "" for a task without a figure."""
    lines: Callable[[Answer], Iterator[str]] = _plain_lines
    """The whole result, without colours."""
    command: Callable[[Mapping[str, Any]], list[str]] | None = None
    """Words of the shell command of a request; None: no command does the same."""


VIEWS: Mapping[str, TaskView] = {
    "profile": TaskView(
        lambda answer: f"{plural(len(answer['layers']), 'layer')} measured", _profile_lines, _profile_command
    ),
    "score": TaskView(
        lambda answer: f"{plural(len(answer['scores']), 'block')} measured", _score_lines, _score_command
    ),
    "sweep": TaskView(sweep_headline, sweep_lines),
    "propose": TaskView(proposal_headline, lambda answer: chain(proposal_lines(answer), reason_lines(answer))),
    "search": TaskView(proposal_headline, lambda answer: chain(search_lines(answer), reason_lines(answer))),
    "classic": TaskView(classic_headline, classic_lines),
    "preview": TaskView(verdict, _preview_lines),
    "generate": TaskView(lines=_generated_lines),
    "eval": TaskView(eval_headline, eval_lines),
    "merge": TaskView(_merge_headline),
    "verify": TaskView(_verify_headline, _verify_lines, _verify_command),
    "diff": TaskView(diff_headline, diff_lines, _diff_command),
    "origin": TaskView(origin_headline, origin_lines, _origin_command),
    "download": TaskView(lambda answer: byte_size(answer["bytes"])),
}
"""Views by the name of the task."""

_FOREIGN = TaskView()
"""View of a task that another version of dlec has."""


def headline(task: str, answer: Answer) -> str:
    """Return the result in a few words; "" for a task without a figure, and for a result of another version."""
    try:
        return VIEWS.get(task, _FOREIGN).headline(answer)
    except (KeyError, TypeError, ValueError):
        return ""


def result_lines(task: str, answer: Answer) -> Iterator[str]:
    """Return the whole result, without colours."""
    return VIEWS.get(task, _FOREIGN).lines(answer)


def command_of(spec: JobSpec) -> list[str] | None:
    """Return the words of a shell command; None without one, and for a job of another version of dlec."""
    command = VIEWS.get(spec.task, _FOREIGN).command
    try:
        return None if command is None else command(spec.request)
    except (KeyError, TypeError, ValueError):
        return None
