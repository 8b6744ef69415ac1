"""What is wrong with a plan, and where."""

from dataclasses import dataclass
from enum import StrEnum

from engine.plan.model import Place


class Severity(StrEnum):
    ERROR = "error"
    """The plan cannot be run."""
    WARNING = "warning"
    """It runs, and probably not as meant."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of the parser or a rule."""

    rule: str
    """The rule's name, e.g. "layer-range"."""
    severity: Severity
    message: str
    place: Place | None = None
    """Where in the text; None when it concerns the plan as a whole."""
    fix: str = ""
    """What to do about it; may be empty."""


def has_errors(problems: tuple[Problem, ...] | list[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)
