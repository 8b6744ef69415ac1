"""Result of an edit: the text, in which comments of recipes that became false are rewritten.

A comment is a recipe's if it has exactly the wording of a recipe; all other comments are left alone.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import PlanError
from engine.plan.edits.anchors import Draft
from engine.plan.edits.views import SliceView, slices_of
from engine.plan.model import Position
from engine.plan.syntax.events import MAX_TEXT_BYTES
from engine.plan.syntax.lines import Lines, Splice, spliced

EDITED = "# Edited after a recipe wrote it. Original:"
_TITLE = re.compile(r"^# .+(: \d+ layers(?: become \d+| kept)?)\.$")
_LAYERS = r"layers?\ \d+(?:\ to\ \d+)?"
_OF_A_SLICE = re.compile(
    rf"""^\s*(?:-\s+)?layer_range:\s*\[[^\]]*\](?P<gap>\s+)\#\s(?P<comment>
        (?:up\ to\ and\ including\ |the\ (?:first|second)\ copy:\ |(?:inert|damped)\ cop(?:y|ies)\ of\ )?
        {_LAYERS}
        (?:,\ (?:once|damped|including\ the\ block)|;\ the\ last\ \d+\ are\ repeated|;\ {_LAYERS}\ again
           |:\ the\ whole\ model)?
        (?:\ again)?(?:,\ (?:damped|scaled|then\ the\ rest))?
        |kept:\ \d+(?:,\ \d+)*)$""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Facts that a comment of a slice may state."""

    models: tuple[str, ...]
    start: int
    end: int
    again: tuple[int, ...]
    """Layers of the slice that occur below already."""
    scale: float | None


@dataclass(frozen=True, slots=True)
class _Comment:
    """A recipe's comment on one slice."""

    place: tuple[int, int]
    """Start and end in the text, including the space before it."""
    text: str
    facts: _Facts | None
    """None if the slice's layers are unknown."""


def with_true_comments(before: str, after: str) -> str:
    """Return the text `after` of an edit of `before`, with outdated comments of recipes rewritten."""
    if before == after or not any(map(_is_recipes, Lines(before).contents())):
        return after
    try:
        views = slices_of(before), slices_of(after)
    except PlanError:
        return after
    facts = [_facts(each) for each in views]
    if facts[0] == facts[1]:
        return after
    true = Counter((each.text, each.facts) for each in _comments(before, views[0], facts[0]))
    changes = [
        Splice(*each.place, _written(each.facts))
        for each in _comments(after, views[1], facts[1])
        if (each.text, each.facts) not in true
    ]
    return _with_past_title(spliced(after, changes))


def _is_recipes(line: str) -> bool:
    return bool(_TITLE.match(line) or _OF_A_SLICE.match(line))


def _comments(text: str, views: Sequence[SliceView], facts: Sequence[_Facts | None]) -> list[_Comment]:
    lines, comments = Lines(text), []
    for view, each in zip(views, facts, strict=True):
        for number in range(view.first_line - 1, view.last_line):
            if match := _OF_A_SLICE.match(lines.content(number)):
                start = lines.start(number)
                comments.append(_Comment((start + match.start("gap"), start + match.end()), match["comment"], each))
    return comments


def _facts(views: Sequence[SliceView]) -> list[_Facts | None]:
    seen: set[tuple[tuple[str, ...], int]] = set()
    facts: list[_Facts | None] = []
    for view in views:
        if view.start is None or view.end is None:
            facts.append(None)
            continue
        layers = range(view.start, view.end)
        again = tuple(layer for layer in layers if (view.models, layer) in seen)
        facts.append(_Facts(view.models, view.start, view.end, again, view.scale))
        seen.update((view.models, layer) for layer in layers)
    return facts


def _written(facts: _Facts | None) -> str:
    """Return a comment with the space before it; "" for a slice without known facts."""
    if facts is None or facts.start >= facts.end:
        return ""
    words = _in_words(facts.start, facts.end)
    if facts.scale == 0:
        return f"  # inert {'copy' if facts.end - facts.start == 1 else 'copies'} of {words}" if facts.again else ""
    if len(facts.again) == facts.end - facts.start:
        return f"  # {words} again"
    is_block = facts.again and facts.again[-1] - facts.again[0] + 1 == len(facts.again)
    return f"  # {words}" + (f"; {_in_words(facts.again[0], facts.again[-1] + 1)} again" if is_block else "")


def _in_words(start: int, end: int) -> str:
    return f"layer {start}" if end - start == 1 else f"layers {start} to {end - 1}"


def _with_past_title(text: str) -> str:
    """Mark a recipe's title as the origin of the plan, without the number of layers."""
    lines = Lines(text)
    for number in range(len(lines)):
        if not lines.content(number).startswith("#"):
            return text
        if match := _TITLE.match(lines.content(number)):
            start = lines.start(number)
            counted = Splice(start + match.start(1), start + match.end(1), "")
            return spliced(text, [Splice(start, start, EDITED + lines.line_break(number)), counted])
    return text


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
