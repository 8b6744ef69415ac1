"""Explanations of YAML syntax errors: the fault, its position and a fix.

libyaml reports where it stopped reading, which is often a line or more after the fault.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from engine.errors import shown
from engine.plan.model import Position

_KEY = r":(?=\s|$)"
"""End of a key."""
_SHOWN = 30
"""Maximum number of quoted characters."""
_UNREAD = r"""(?x)\#.* | "(?:\\.|[^"\\])*" | '(?:''|[^'])*'"""
"""Comments and quoted text, in which brackets are ignored."""


class Reason(NamedTuple):
    message: str
    place: Position
    fix: str = ""


@dataclass(frozen=True, slots=True)
class _Fault:
    """A syntax error from libyaml."""

    text: str
    problem: str
    stopped: Any
    """Mark at which it stopped."""
    began: Any
    """Mark at the start of the element that it was reading; if unknown, the same mark."""

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines() or [""]

    def line(self, number: int) -> str:
        """Return a line, counted from 0; "" after the last."""
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    @property
    def character(self) -> str:
        """Character at which libyaml stopped; "" at the end of the text."""
        return self.line(self.stopped.line)[self.stopped.column : self.stopped.column + 1]

    @property
    def before(self) -> str:
        """Part of the line before that character."""
        return self.line(self.stopped.line)[: self.stopped.column]


def reason_of(error: yaml.MarkedYAMLError, text: str) -> Reason:
    """Return the fault, its position and a fix; for rare errors libyaml's own message."""
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


# One function per message of libyaml


def _no_key(fault: _Fault) -> Reason:
    return _neither(fault.line(fault.began.line), _place(fault.began))


def _neither(line: str, place: Position) -> Reason:
    """Explain a line that is neither a key nor an item."""
    if re.match(r"\s*(?:- +)?[\w.-]+:\S", line):
        message, fix = f"{_quoted(line)} has no space after its colon", "Write `key: value`."
    else:
        message = f"{_quoted(line)} is neither a key nor a list item"
        fix = "Write a key as `key: value`, an item as `- value`, a comment as `# text`."
    return Reason(message, place, fix)


def _colon(fault: _Fault) -> Reason:
    """Explain a misplaced key: after another key's value, or inside a text that began on a line above."""
    if re.search(_KEY, fault.before):
        fix = "Quote the value, or put each key on its own line."
        return Reason("a second key on the same line", _place(fault.stopped), fix)
    above = _line_above(fault)
    line = fault.line(fault.stopped.line)
    if above is None or re.search(_KEY, fault.line(above)):
        fix = "Align it with the other keys."
        return Reason(
            f"{_quoted(line)} is indented more than the line above, whose value it continues", _at(fault), fix
        )
    return _neither(fault.line(above), Position(above + 1, _indent(fault.line(above)) + 1))


def _line_above(fault: _Fault) -> int | None:
    """Return the last line above that is not blank."""
    above = range(fault.stopped.line - 1, -1, -1)
    return next((number for number in above if fault.line(number).split("#")[0].strip()), None)


def _at(fault: _Fault) -> Position:
    """Return the position of the first character of the line on which libyaml stopped."""
    return Position(fault.stopped.line + 1, _indent(fault.line(fault.stopped.line)) + 1)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _no_value(fault: _Fault) -> Reason:
    if fault.character in (",", "]", "}"):
        fix = "Remove a comma, or add the value."
        return Reason(f"a value is missing before `{fault.character}`", _place(fault.stopped), fix)
    return _not_closed(fault)


def _not_closed(fault: _Fault) -> Reason:
    bracket = next(_unclosed(fault.text[: fault.stopped.index]), None)
    if bracket is None:
        return Reason(
            f"{_quoted(fault.line(fault.stopped.line))} ends where a value is expected", _place(fault.stopped)
        )
    sign = fault.text[bracket]
    before = fault.text[:bracket]
    place = Position(before.count("\n") + 1, bracket - (before.rfind("\n") + 1) + 1)
    if place.line == fault.stopped.line + 1 and fault.character:
        rest = fault.line(fault.stopped.line)[fault.stopped.column :]
        return Reason(f"a comma is missing before {_quoted(rest)}", _place(fault.stopped), "Put commas between items.")
    return Reason(f"this `{sign}` is not closed", place, f"Close it with `{_CLOSING[sign]}`.")


def _unclosed(text: str) -> Iterator[int]:
    """Return the offsets of unclosed brackets, innermost first."""
    opened: list[int] = []
    plain = re.sub(_UNREAD, lambda match: " " * len(match.group()), text)
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
            "the indentation contains a tab, but YAML allows only spaces",
            _place(fault.stopped),
            "Replace it with spaces.",
        )
    return Reason(f"a value cannot start with `{shown(fault.character)}`", _place(fault.stopped), "Quote the value.")


def _open_quote(fault: _Fault) -> Reason:
    quote = fault.line(fault.began.line)[fault.began.column : fault.began.column + 1]
    return Reason("this quote is not closed", _place(fault.began), f"Close it with the same quote ({quote}).")


def _misplaced(fault: _Fault) -> Reason:
    """Explain text that is not another key of a mapping."""
    if fault.character in ("]", "}"):
        return Reason(f"`{fault.character}` has no opening bracket", _place(fault.stopped), "Remove it.")
    if fault.before.strip():
        fix = "Quote the whole value."
        return Reason("text after the end of a value", _place(fault.stopped), fix)
    column = fault.began.column + 1
    fix = f"Start it in column {column}, or indent it as part of the value above."
    line = fault.line(fault.stopped.line)
    message = f"{_quoted(line)} is not aligned with the keys above, which start in column {column}"
    return Reason(message, _place(fault.stopped), fix)


def _no_item(fault: _Fault) -> Reason:
    column = fault.began.column + 1
    fix = f"Add `- ` before it in column {column}, or move it to the left."
    message = f"{_quoted(fault.line(fault.stopped.line))} is inside a list but does not start with `- `"
    return Reason(message, _place(fault.stopped), fix)


def _item_beside_key(fault: _Fault) -> Reason:
    return Reason("a list cannot start on the line of its key", _place(fault.stopped), "Start it on the next line.")


def _no_name(fault: _Fault) -> Reason:
    sign = fault.line(fault.began.line)[fault.began.column : fault.began.column + 1]
    what = "an alias" if sign == "*" else "an anchor"
    fix = f"Quote the value if it is text that starts with `{sign}`."
    return Reason(f"`{sign}` starts {what}, but no name follows", _place(fault.began), fix)


def _bad_escape(fault: _Fault) -> Reason:
    message = "this escape sequence is not valid in double quotes"
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
"""Pattern of libyaml's message, and the function that explains it."""
