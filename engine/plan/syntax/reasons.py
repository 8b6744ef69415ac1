"""Why a text is not YAML, in plain words, at the place that has to be changed, with what to do.

libyaml says where it had to stop reading, which is often a line or more behind the fault.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from engine.errors import shown
from engine.plan.model import Position

_KEY = re.compile(r":(?=\s|$)")
"""What ends a key."""
_SHOWN = 30
"""Characters of the text that are quoted."""
_UNREAD = re.compile(r"""\#.* | "(?:\\.|[^"\\])*" | '(?:''|[^'])*'""", re.VERBOSE)
"""Comments and quoted text, in which brackets mean nothing."""


@dataclass(frozen=True, slots=True)
class Reason:
    message: str
    place: Position
    fix: str = ""


@dataclass(frozen=True, slots=True)
class _Fault:
    """What libyaml found."""

    text: str
    problem: str
    stopped: Any
    """The mark where it could not go on."""
    began: Any
    """The mark where what it was reading begins; the same where that is not known."""

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines() or [""]

    def line(self, number: int) -> str:
        """Counted from 0; "" behind the last."""
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    @property
    def character(self) -> str:
        """Where it stopped; "" at the end of the text."""
        return self.line(self.stopped.line)[self.stopped.column : self.stopped.column + 1]

    @property
    def before(self) -> str:
        """What stands on the line before that place."""
        return self.line(self.stopped.line)[: self.stopped.column]


def reason_of(error: yaml.MarkedYAMLError, text: str) -> Reason:
    """For a person: the fault, its place and the remedy; libyaml's own words for what is too rare to have others."""
    stopped = error.problem_mark or error.context_mark
    if stopped is None:
        return Reason(_own_words(error), Position(1, 1))
    fault = _Fault(text, error.problem or "", stopped, error.context_mark or stopped)
    explain = next((explain for pattern, explain in _EXPLAINED if re.search(pattern, fault.problem)), None)
    return explain(fault) if explain else Reason(_own_words(error), _place(stopped))


def _own_words(error: yaml.MarkedYAMLError) -> str:
    return " ".join(shown(part) for part in (error.context, error.problem) if part)


def _place(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _quoted(text: str) -> str:
    text = text.strip()
    return f"`{shown(text if len(text) <= _SHOWN else text[:_SHOWN] + '...')}`"


# One for each of libyaml's complaints


def _no_key(fault: _Fault) -> Reason:
    return _neither(fault.line(fault.began.line), _place(fault.began))


def _neither(line: str, place: Position) -> Reason:
    """A line that is no part of a plan as it stands."""
    if re.match(r"\s*(?:- +)?[\w.-]+:\S", line):
        message, fix = f"{_quoted(line)} has no space after its colon", "Write `key: value`."
    else:
        message = f"{_quoted(line)} is neither a key nor an item of a list"
        fix = "Write a key as `key: value`, an item as `- value`, a comment after `#`."
    return Reason(message, place, fix)


def _colon(fault: _Fault) -> Reason:
    """A key where there can be none: behind another key's value, or in a text that began on a line above."""
    if _KEY.search(fault.before):
        fix = "Put the value in quotes, or each key on a line of its own."
        return Reason("a second key on the same line", _place(fault.stopped), fix)
    above = _line_above(fault)
    line = fault.line(fault.stopped.line)
    if above is None or _KEY.search(fault.line(above)):
        fix = "Begin it in the same column as the other keys."
        return Reason(
            f"{_quoted(line)} is indented more than the line above, whose value it continues", _at(fault), fix
        )
    return _neither(fault.line(above), Position(above + 1, _indent(fault.line(above)) + 1))


def _line_above(fault: _Fault) -> int | None:
    """The last line above that says something."""
    above = range(fault.stopped.line - 1, -1, -1)
    return next((number for number in above if fault.line(number).split("#")[0].strip()), None)


def _at(fault: _Fault) -> Position:
    """Where the line begins on which libyaml stopped."""
    return Position(fault.stopped.line + 1, _indent(fault.line(fault.stopped.line)) + 1)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _no_value(fault: _Fault) -> Reason:
    if fault.character in (",", "]", "}"):
        fix = "Remove a comma, or write the value."
        return Reason(f"there is no value before `{fault.character}`", _place(fault.stopped), fix)
    return _not_closed(fault)


def _not_closed(fault: _Fault) -> Reason:
    bracket = next(_unclosed(fault.text[: fault.stopped.index]), None)
    if bracket is None:
        return Reason(f"{_quoted(fault.line(fault.stopped.line))} stops where a value should be", _place(fault.stopped))
    sign = fault.text[bracket]
    before = fault.text[:bracket]
    place = Position(before.count("\n") + 1, bracket - (before.rfind("\n") + 1) + 1)
    if place.line == fault.stopped.line + 1 and fault.character:
        rest = fault.line(fault.stopped.line)[fault.stopped.column :]
        return Reason(f"a comma is missing before {_quoted(rest)}", _place(fault.stopped), "Put commas between items.")
    return Reason(f"the `{sign}` that begins here is not closed", place, f"Close it with `{_CLOSING[sign]}`.")


def _unclosed(text: str) -> Iterator[int]:
    """Where brackets stand that nothing closes, the innermost first."""
    opened: list[int] = []
    plain = _UNREAD.sub(lambda found: " " * len(found.group()), text)
    for at, sign in enumerate(plain):
        if sign in _CLOSING:
            opened.append(at)
        elif sign in _CLOSING.values() and opened:
            opened.pop()
    return reversed(opened)


_CLOSING = {"[": "]", "{": "}"}


def _bad_character(fault: _Fault) -> Reason:
    if fault.character == "\t":
        return Reason(
            "a tab in the indentation, where YAML allows only spaces", _place(fault.stopped), "Replace it with spaces."
        )
    return Reason(
        f"a value cannot begin with `{shown(fault.character)}`", _place(fault.stopped), "Put the value in quotes."
    )


def _open_quote(fault: _Fault) -> Reason:
    quote = fault.line(fault.began.line)[fault.began.column : fault.began.column + 1]
    return Reason(
        "the quote that begins here is not closed", _place(fault.began), f"Close it with the same quote ({quote})."
    )


def _misplaced(fault: _Fault) -> Reason:
    """Something that is no further key of a mapping."""
    if fault.character in ("]", "}"):
        return Reason(f"`{fault.character}` closes nothing", _place(fault.stopped), "Remove it.")
    if fault.before.strip():
        fix = "Put the whole value in quotes."
        return Reason("text after the end of a value", _place(fault.stopped), fix)
    column = fault.began.column + 1
    fix = f"Begin it in column {column}, or indent it as part of the value above."
    line = fault.line(fault.stopped.line)
    message = f"{_quoted(line)} is not aligned with the keys above, which begin in column {column}"
    return Reason(message, _place(fault.stopped), fix)


def _no_item(fault: _Fault) -> Reason:
    column = fault.began.column + 1
    fix = f"Write `- ` before it in column {column}, or begin it further left."
    message = f"{_quoted(fault.line(fault.stopped.line))} is among the items of a list but does not begin with `- `"
    return Reason(message, _place(fault.stopped), fix)


def _item_beside_key(fault: _Fault) -> Reason:
    return Reason("a list cannot begin on the line of its key", _place(fault.stopped), "Begin it on the next line.")


def _no_name(fault: _Fault) -> Reason:
    sign = fault.line(fault.began.line)[fault.began.column : fault.began.column + 1]
    what = "an alias" if sign == "*" else "an anchor"
    fix = f"Put the value in quotes if it is text that begins with `{sign}`."
    return Reason(f"`{sign}` begins {what}, but no name follows", _place(fault.began), fix)


def _bad_escape(fault: _Fault) -> Reason:
    message = "the escape that begins here means nothing in double quotes"
    return Reason(message, _place(fault.stopped), "Use single quotes, or two backslashes.")


_EXPLAINED: tuple[tuple[str, Callable[[_Fault], Reason]], ...] = (
    ("could not find expected ':'", _no_key),
    ("mapping values are not allowed", _colon),
    ("expected node content", _no_value),
    (r"expected ',' or '[\]}]'", _not_closed),
    ("cannot start any token|tab character", _bad_character),
    ("unexpected end of stream", _open_quote),
    ("expected key|expected <block end>", _misplaced),
    ("expected '-' indicator", _no_item),
    ("block sequence entries are not allowed", _item_beside_key),
    ("expected alphabetic or numeric", _no_name),
    ("unknown escape character", _bad_escape),
)
"""A pattern of libyaml's complaint, and what it comes from."""
