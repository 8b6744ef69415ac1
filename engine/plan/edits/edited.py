"""What an edit gives back."""

from dataclasses import dataclass

from engine.errors import PlanError
from engine.plan.edits.owning import Draft
from engine.plan.edits.recipe_comments import with_true_comments
from engine.plan.syntax.nodes import MAX_TEXT_BYTES


@dataclass(frozen=True, slots=True)
class Edited:
    """A plan's text after an edit."""

    text: str
    note: str = ""
    """What the user should know about it; usually nothing."""


def edited(draft: Draft, text: str) -> Edited:
    """The outcome of an edit that began with `draft`. Raises PlanError when the text is longer than a plan may be."""
    text = with_true_comments(draft.text, text)
    if len(text) > MAX_TEXT_BYTES:
        why = f"its text would have {len(text):,} characters, a plan may have {MAX_TEXT_BYTES:,}"
        raise PlanError("the plan would become too long", why=why)
    return Edited(text, "; ".join(draft.notes))
