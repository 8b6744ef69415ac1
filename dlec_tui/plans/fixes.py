"""Problems that one key can put right: those for which a rule knows the change."""

from dlec_tui.wording import elided
from engine.errors import escaped
from engine.plan.edits import Edited, replace_span
from engine.plan.model import Position
from engine.plan.problems import Change, Problem

_SHOWN = 40
"""Characters of a change."""


def fix_text(problem: Problem) -> str:
    """What the key would do: "f: [6, 30]"; "" where only the user can know."""
    if problem.change is None:
        return ""
    written = ", ".join(" ".join(each.text.split()) for each in problem.change.replacements)
    return f"f: {elided(escaped(written), _SHOWN) or 'take it away'}"


def mended(text: str, change: Change) -> Edited:
    """Raises PlanError for a change that was made for another text."""
    from_the_end = sorted(change.replacements, key=lambda each: _order(each.span.start), reverse=True)
    for each in from_the_end:
        text = replace_span(text, each.span.start, each.span.end, each.text).text
    return Edited(text)


def _order(place: Position) -> tuple[int, int]:
    return place.line, place.column
