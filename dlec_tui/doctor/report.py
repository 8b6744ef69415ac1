"""Results of all checks as text."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping

import click

from dlec_tui.doctor.result import Finding, State, is_usable
from engine.units import plural

_INDENT = "  "
_COLOURS = {State.FINE: "green", State.NOTE: "yellow", State.PROBLEM: "red"}
_STATE_WIDTH = max(len(state.value) for state in State)


def page(findings: Mapping[str, Mapping[str, Finding]], width: int) -> Iterator[str]:
    """Lines of the report. findings: by heading and name; width: columns of the terminal."""
    names = max(len(name) for group in findings.values() for name in group)
    for heading, group in findings.items():
        yield click.style(heading, bold=True)
        for name, finding in group.items():
            yield from _result_lines(name.ljust(names), finding, width)
        yield ""
    yield summary([finding for group in findings.values() for finding in group.values()])


def summary(findings: list[Finding]) -> str:
    """Summary in one line."""
    number = Counter(finding.state for finding in findings)
    problems, notes = plural(number[State.PROBLEM], "problem"), plural(number[State.NOTE], "note")
    if is_usable(findings):
        return f"{problems}, {notes}. dlec is usable."
    return f"{problems}, {notes}. Fix these problems before using dlec."


def _result_lines(name: str, finding: Finding, width: int) -> Iterator[str]:
    word = finding.state.value.ljust(_STATE_WIDTH)
    margin = " " * len(f"{_INDENT}{word}{_INDENT}{name}{_INDENT}")
    first, *others = _wrapped(finding.value, width - len(margin))
    yield f"{_INDENT}{click.style(word, fg=_COLOURS[finding.state])}{_INDENT}{name}{_INDENT}{first}"
    yield from (f"{margin}{line}" for line in others)
    for line in finding.fix.splitlines():
        parts = [line] if line.startswith(" ") else _wrapped(line, width - len(margin) - len(_INDENT))
        yield from (f"{margin}{_INDENT}{part}" for part in parts)


def _wrapped(text: str, width: int) -> list[str]:
    """Wrapped text. Paths, options and commands are never broken."""
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
