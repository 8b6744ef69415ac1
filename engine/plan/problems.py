"""Problems of a plan, with their position and an optional change that fixes the text."""

from dataclasses import dataclass
from enum import StrEnum

from engine.plan.model import Position, Span


class Severity(StrEnum):
    ERROR = "error"
    """The plan cannot be run."""
    WARNING = "warning"
    """The plan runs, but probably not as intended."""
    NOTE = "note"
    """Information."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Replacement of a span of the text; an empty span means insertion."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the text that fixes a problem."""

    replacements: tuple[Replacement, ...]
    """Replacements that do not overlap."""
    is_safe: bool
    """The fix is unambiguous and can be applied without confirmation."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of the parser or a rule."""

    rule: str
    """Rule id, e.g. "layer-range"."""
    severity: Severity
    message: str
    place: Position | None = None
    """Position in the text; None if it concerns the whole plan."""
    fix: str = ""
    """Remedy as an imperative; may be empty."""
    change: Change | None = None
    """Change of the text that does it; None if it needs a decision."""


def has_errors(problems: tuple[Problem, ...] | list[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def replaced(span: Span | None, text: str, *, is_safe: bool) -> Change | None:
    """Return the change that replaces `span` by `text`; None without a span."""
    return None if span is None else Change((Replacement(span, text),), is_safe)


def insertion(place: Position, text: str) -> Replacement:
    """Return the insertion of text at a position."""
    return Replacement(Span(place, place), text)
