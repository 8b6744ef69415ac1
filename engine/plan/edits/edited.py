"""Result of an edit, and the edit of a range of characters."""

from dataclasses import dataclass

from engine.errors import PlanError
from engine.plan.edits.anchors import Draft
from engine.plan.edits.recipe_comments import with_true_comments
from engine.plan.model import Position
from engine.plan.syntax.events import MAX_TEXT_BYTES
from engine.plan.syntax.lines import Lines, Splice, spliced


@dataclass(frozen=True, slots=True)
class Edited:
    """A plan's text after an edit."""

    text: str
    note: str = ""
    """Side effects to report to the user; usually empty."""


def edited(draft: Draft, text: str) -> Edited:
    """Return the result of an edit that began with `draft`. Raises PlanError if the text is too long for a plan."""
    text = with_true_comments(draft.text, text)
    if len(text) > MAX_TEXT_BYTES:
        why = f"the text would have {len(text):,} characters; the maximum is {MAX_TEXT_BYTES:,}"
        raise PlanError("the plan would become too long", why=why)
    return Edited(text, "; ".join(draft.notes))


def replace_span(text: str, start: Position, end: Position, new: str) -> Edited:
    """Replace the characters from `start` to before `end` by `new`. The text need not be YAML.

    Raises PlanError for positions outside the text.
    """
    lines = Lines(text)
    span = _offset(lines, start), _offset(lines, end)
    if span[1] < span[0]:
        raise PlanError("nothing can be replaced", why=f"line {start.line} is after line {end.line}")
    return edited(Draft(text), spliced(text, [Splice(*span, new)]))


def _offset(lines: Lines, position: Position) -> int:
    offset = lines.offset(position)
    if offset is None:
        why = f"the text has no line {position.line}, column {position.column}"
        raise PlanError("nothing can be replaced", why=why)
    return offset
