"""Edits JSON text in place: only the values concerned change, every other byte stays as it was written."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from engine.errors import CheckpointError, shown

KeyPath: TypeAlias = tuple[str, ...]
"""Keys from the top of a JSON document down to a value; never empty."""

_BLANKS = " \t\n\r"
_DECODER = json.JSONDecoder()


class _Member(NamedTuple):
    """One `"key": value` of an object, as offsets into the text."""

    key_begin: int
    key_end: int
    value_begin: int
    value_end: int


class _Object(NamedTuple):
    """One object of the text."""

    begin: int
    """Offset of its `{`."""
    end: int
    """Offset after its `}`."""
    members: tuple[_Member, ...]
    by_key: Mapping[str, _Member]
    """Members by key; the last one of a repeated key, as JSON readers take it."""


def spliced(text: str, changes: Mapping[KeyPath, Any]) -> str:
    """`text` with the value at each key path replaced, or inserted at the end of its object if absent.

    Objects on the way that do not exist are made. Raises CheckpointError if a value on the way is not an object.
    """
    for path, value in changes.items():
        text = _spliced_once(text, path, value)
    return text


def _spliced_once(text: str, path: KeyPath, value: Any) -> str:
    at = _after_blanks(text, 0)
    for depth, key in enumerate(path, start=1):
        holder = _scan_object(text, at, path)
        member = holder.by_key.get(key)
        if member is None:
            return _with_member(text, holder, key, _nested(path[depth:], value))
        if depth == len(path):
            return _with_value(text, member, value)
        at = member.value_begin
    raise ValueError("a key path has at least one key")


def _nested(path: KeyPath, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _with_value(text: str, member: _Member, value: Any) -> str:
    old = text[member.value_begin : member.value_end]
    is_spread = "\n" in old or (old[0] not in "[{" and _stands_on_own_line(text, member))
    written = _written(value, _margin(text, member) if is_spread else None, _unit(text))
    return text[: member.value_begin] + written + text[member.value_end :]


def _with_member(text: str, holder: _Object, key: str, value: Any) -> str:
    if not holder.members:
        inside = f"{json.dumps(key)}: {json.dumps(value)}"
        return text[: holder.begin + 1] + inside + text[holder.begin + 1 :]
    last = holder.members[-1]
    margin = _margin(text, last) if _stands_on_own_line(text, last) else None
    separator = text[last.key_end : last.value_begin]
    entry = json.dumps(key) + separator + _written(value, margin, _unit(text))
    return text[: last.value_end] + "," + _gap(text, holder) + entry + text[last.value_end :]


def _gap(text: str, holder: _Object) -> str:
    """The blanks between a comma and the next key, as this object has them."""
    last = holder.members[-1]
    gap = _blanks_before(text, last.key_begin)
    return gap if len(holder.members) > 1 or "\n" in gap else " "


def _written(value: Any, margin: str | None, unit: str) -> str:
    """`value` as JSON: on one line when `margin` is None, else spread over lines that continue at `margin`."""
    if margin is None:
        return json.dumps(value)
    return json.dumps(value, indent=unit).replace("\n", f"\n{margin}")


def _unit(text: str) -> str:
    """One step of indentation: what the first key of the document has."""
    start = _after_blanks(text, _after_blanks(text, 0) + 1)
    return _blanks_before(text, start).rpartition("\n")[2] or "  "


def _margin(text: str, member: _Member) -> str:
    return _blanks_before(text, member.key_begin).rpartition("\n")[2]


def _stands_on_own_line(text: str, member: _Member) -> bool:
    return "\n" in _blanks_before(text, member.key_begin)


def _blanks_before(text: str, end: int) -> str:
    return text[len(text[:end].rstrip(_BLANKS)) : end]


def _scan_object(text: str, begin: int, path: KeyPath) -> _Object:
    """The object at offset `begin` of a text that is known to be valid JSON."""
    if text[begin] != "{":
        raise CheckpointError(
            f"{shown('.'.join(path))} cannot be set", why="the value that contains it is not an object"
        )
    members, by_key = [], {}
    at = _after_blanks(text, begin + 1)
    while text[at] != "}":
        key, member = _scan_member(text, at)
        members.append(member)
        by_key[key] = member
        at = _after_blanks(text, member.value_end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    return _Object(begin, at + 1, tuple(members), by_key)


def _scan_member(text: str, at: int) -> tuple[str, _Member]:
    key, key_end = _DECODER.raw_decode(text, at)
    value_begin = _after_blanks(text, _after_blanks(text, key_end) + 1)
    _, value_end = _DECODER.raw_decode(text, value_begin)
    return key, _Member(at, key_end, value_begin, value_end)


def _after_blanks(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at
