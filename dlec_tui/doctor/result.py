"""Result of one check."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    FINE = "fine"
    NOTE = "note"
    """Works, but can be improved; or the state is unknown."""
    PROBLEM = "problem"
    """A feature does not work, or work can be lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of a check in words. Foreign text, such as names, is escaped."""

    value: str
    state: State = State.FINE
    fix: str = ""
    """Advice; commands are on indented lines of their own. "" if nothing needs to be done."""
    stops_dlec: bool = False
    """Whether dlec is unusable before this is fixed."""


def fine(value: str) -> Finding:
    return Finding(value)


def note(value: str, fix: str = "") -> Finding:
    return Finding(value, State.NOTE, fix)


def problem(value: str, fix: str) -> Finding:
    return Finding(value, State.PROBLEM, fix)


def obstacle(value: str, fix: str) -> Finding:
    """Problem that makes dlec unusable."""
    return Finding(value, State.PROBLEM, fix, stops_dlec=True)


def is_usable(findings: Iterable[Finding]) -> bool:
    """Whether dlec is usable."""
    return not any(finding.stops_dlec for finding in findings)
