"""The YAML events of a plan's text, as libyaml finds them, within the bounds of what a plan may be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from engine.errors import shown
from engine.plan.model import Position
from engine.plan.syntax.reasons import reason_of

MAX_TEXT_BYTES = 2_000_000
MAX_NODES = 100_000
"""Counted with every alias expanded."""
MAX_DEPTH = 40
"""A plan needs 8; deeper text is an attack or an accident."""

OPENING = frozenset([yaml.SequenceStartEvent, yaml.MappingStartEvent])
CLOSING = frozenset([yaml.SequenceEndEvent, yaml.MappingEndEvent])

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlanSyntaxError(Exception):
    """The text is not YAML, or not YAML that a plan may be."""

    def __init__(self, message: str, place: Position, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.fix = message, place, fix


def read_events(text: str) -> Iterator[yaml.Event]:
    """Where everything begins and ends, aliases and anchors as written. Raises PlanSyntaxError."""
    depth = count = 0
    with bounded(text), events_of(text) as next_event:
        while (event := next_event()) is not None:
            count += 1
            if type(event) in OPENING:
                depth += 1
                check_bounds(event, depth, count // 2)
            elif type(event) in CLOSING:
                depth -= 1
            yield event


@contextmanager
def bounded(text: str) -> Iterator[None]:
    """Says what PyYAML says about `text` in our words. Raises PlanSyntaxError, also for too long a text."""
    if len(text) > MAX_TEXT_BYTES:
        raise PlanSyntaxError(
            f"the text has {len(text):,} characters, a plan may have {MAX_TEXT_BYTES:,}", Position(1, 1)
        )
    try:
        yield
    except yaml.MarkedYAMLError as error:
        found = reason_of(error, text)
        raise PlanSyntaxError(found.message, found.place, found.fix) from error
    except yaml.reader.ReaderError as error:
        message = f"a character that YAML forbids: {shown(error.reason)}"
        raise PlanSyntaxError(message, _place_at(text, error)) from error


@contextmanager
def events_of(text: str) -> Iterator[Callable[[], Any]]:
    """What gives libyaml's next event at each call, at the end None. Events never recurse, however deep the text is."""
    loader = LOADER(text)
    try:
        yield loader.get_event
    finally:
        loader.dispose()


def check_bounds(event: yaml.Event, depth: int, count: int) -> None:
    """Raises PlanSyntaxError for more values, or deeper ones, than a plan can have."""
    if depth > MAX_DEPTH:
        raise PlanSyntaxError(f"nested more than {MAX_DEPTH} deep", place_of(event.start_mark))
    if count > MAX_NODES:
        raise PlanSyntaxError(f"more than {MAX_NODES:,} values", place_of(event.start_mark))


def place_of(mark: Any) -> Position:
    """Of one of libyaml's marks, which may be missing."""
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _place_at(text: str, error: yaml.reader.ReaderError) -> Position:
    before = text[: error.position]
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
