"""Problems of a plan, in the style of a compiler: place, severity, rule, message, the line, what to do."""

from collections.abc import Iterator

import click

from dlec_tui.wording import cell_len, clipped, printable
from engine.errors import escaped, shown
from engine.plan.problems import Problem, Severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_WIDEST_SOURCE_LINE = 160


def as_text(problem: Problem, file: str, source: list[str]) -> str:
    """One problem of the plan `file`, whose lines are `source`."""
    return "\n".join(_lines(problem, file, source))


def as_json(problem: Problem) -> dict[str, str | int | None]:
    return {
        "rule": problem.rule,
        "severity": str(problem.severity),
        "line": problem.place.line if problem.place else None,
        "column": problem.place.column if problem.place else None,
        "message": problem.message,
        "fix": problem.fix,
    }


def _lines(problem: Problem, file: str, source: list[str]) -> Iterator[str]:
    place = f":{problem.place.line}:{problem.place.column}" if problem.place else ""
    severity = click.style(problem.severity, fg=_COLOURS[problem.severity], bold=True)
    yield f"{shown(file)}{place} {severity} {problem.rule} {escaped(problem.message)}"
    yield from _excerpt(problem, source)
    yield from (f"    {line}" for line in printable(problem.fix).split("\n") if line)


def _excerpt(problem: Problem, source: list[str]) -> Iterator[str]:
    """The line in question with a caret under the place, where there is such a line."""
    place = problem.place
    if place is None or place.line > len(source):
        return
    line = source[place.line - 1].rstrip("\n")
    before = shown(line[: place.column - 1])
    if len(before) >= _WIDEST_SOURCE_LINE or not line.strip():
        return
    yield f"  {clipped(shown(line), _WIDEST_SOURCE_LINE)}"
    yield f"  {' ' * cell_len(before)}{click.style('^', fg=_COLOURS[problem.severity], bold=True)}"
