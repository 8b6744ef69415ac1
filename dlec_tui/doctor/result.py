"""Result of one check."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    FINE = "fine"
    NOTE = "note"
    """Works, but better with the remedy; or it could not be told."""
    PROBLEM = "problem"
    """Something that dlec offers does not work, or work is lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of a check in words. Foreign text, such as names, is escaped."""

    value: str
    state: State = State.FINE
    remedy: str = ""
    """Advice; commands are on indented lines of their own. "" if nothing needs to be done."""
    stops_dlec: bool = False
    """Whether dlec cannot be used at all before that is done."""


def fine(value: str) -> Finding:
    return Finding(value)


def note(value: str, remedy: str = "") -> Finding:
    return Finding(value, State.NOTE, remedy)


def problem(value: str, remedy: str) -> Finding:
    return Finding(value, State.PROBLEM, remedy)


def obstacle(value: str, remedy: str) -> Finding:
    """A problem without whose remedy dlec cannot be used."""
    return Finding(value, State.PROBLEM, remedy, stops_dlec=True)


def is_usable(findings: Iterable[Finding]) -> bool:
    """Whether dlec can be used as things are."""
    return not any(finding.stops_dlec for finding in findings)
