"""What is wrong with a plan, and where; and the change to its text that mends it, where there is one."""

from dataclasses import dataclass
from enum import StrEnum

from engine.plan.model import Position, Span


class Severity(StrEnum):
    ERROR = "error"
    """The plan cannot be run."""
    WARNING = "warning"
    """It runs, and probably not as meant."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """New text for a stretch of the plan; for an empty stretch, text to insert."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a program can do about a problem."""

    replacements: tuple[Replacement, ...]
    """They do not overlap."""
    is_safe: bool
    """Nothing else can have been meant, so nobody needs to be asked."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of the parser or a rule."""

    rule: str
    """The rule's name, e.g. "layer-range"."""
    severity: Severity
    message: str
    place: Position | None = None
    """Where in the text; None when it concerns the plan as a whole."""
    fix: str = ""
    """What to do about it; may be empty."""
    change: Change | None = None
    """The same, done to the text; None where that takes a person."""


def has_errors(problems: tuple[Problem, ...] | list[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def replaced(span: Span | None, text: str, *, is_safe: bool) -> Change | None:
    """The change that puts `text` in place of `span`; None without one."""
    return None if span is None else Change((Replacement(span, text),), is_safe)


def insertion(place: Position, text: str) -> Replacement:
    """Text put before what stands at `place`."""
    return Replacement(Span(place, place), text)
