"""YAML events of a plan's text from libyaml, with limits on size and depth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from engine.errors import shown
from engine.plan.model import START, Position
from engine.plan.syntax.reasons import reason_of

MAX_TEXT_BYTES = 2_000_000
MAX_NODES = 100_000
"""Maximum number of nodes with all aliases expanded."""
MAX_DEPTH = 40
"""A plan needs 8 levels."""

CLOSING = frozenset([yaml.SequenceEndEvent, yaml.MappingEndEvent])

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlanSyntaxError(Exception):
    """Raised for text that is not YAML, or beyond the limits of a plan."""

    def __init__(self, message: str, place: Position, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.fix = message, place, fix


@contextmanager
def bounded(text: str) -> Iterator[None]:
    """Translate PyYAML's errors about `text` into PlanSyntaxError, which is also raised for a text that is too long."""
    if len(text) > MAX_TEXT_BYTES:
        message = f"the text has {len(text):,} characters; the maximum is {MAX_TEXT_BYTES:,}"
        raise PlanSyntaxError(message, START)
    try:
        yield
    except yaml.MarkedYAMLError as error:
        reason = reason_of(error, text)
        raise PlanSyntaxError(reason.message, reason.place, reason.fix) from error
    except yaml.reader.ReaderError as error:
        message = f"YAML forbids this character: {shown(error.reason)}"
        raise PlanSyntaxError(message, _position_at(text, error.position)) from error


@contextmanager
def events_of(text: str) -> Iterator[Callable[[], Any]]:
    """Provide a function that returns libyaml's next event, None at the end. Events do not recurse at any depth."""
    loader = LOADER(text)
    try:
        yield loader.get_event
    finally:
        loader.dispose()


def check_bounds(event: yaml.Event, depth: int, count: int) -> None:
    """Raise PlanSyntaxError for more nodes or more depth than a plan can have."""
    if depth > MAX_DEPTH:
        raise PlanSyntaxError(f"nested more than {MAX_DEPTH} deep", position_of(event.start_mark))
    if count > MAX_NODES:
        raise PlanSyntaxError(f"more than {MAX_NODES:,} values", position_of(event.start_mark))


def position_of(mark: Any) -> Position:
    """Return the position of a libyaml mark, which may be missing."""
    return Position(mark.line + 1, mark.column + 1) if mark else START


def _position_at(text: str, offset: int) -> Position:
    before = text[:offset]
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
