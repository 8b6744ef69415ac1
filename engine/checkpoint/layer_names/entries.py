"""One entry of a list of modules: a plain name, a glob or a regular expression, and what it matches."""

import fnmatch
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from engine.errors import CheckpointError, shown


class Spelling(Enum):
    """How a reader compares an entry with a module's name."""

    NAME = "the module and what is in it"
    GLOB = "shell pattern for the whole name (ModelOpt, Quark)"
    MATCH = "regular expression from the name's beginning (compressed-tensors, GPTQModel)"
    MODULE = "regular expression from the name's beginning to the end of one of its modules (transformers)"
    SEARCH = "regular expression anywhere in the name (AutoRound)"


REGULAR = (Spelling.MATCH, Spelling.MODULE, Spelling.SEARCH)
"""The spellings that are regular expressions."""

_SEARCHED_KEYS = frozenset({"extra_config", "layer_config"})
_MATCHED_KEYS = frozenset({"dynamic"})
_MODULE_KEYS = frozenset({"modules_to_not_convert", "llm_int8_skip_modules"})
_PATTERN = re.compile(r"[\\^$(|+{*?\[]")
_OPEN_END = re.compile(r"\d\*$")
"""As an expression this would mean every layer, so it is ModelOpt's glob."""
_REGEX_ONLY = re.compile(r"[\\^$(|+{]")

_REPEATED_REPETITION = re.compile(r"(?<!\\)[*+}]\)+[*+{]")


@dataclass(frozen=True)
class Entry:
    """An entry as a settings file spells it."""

    sign: str
    """One of `re:`, `+:`, `-:`, or nothing."""
    body: str
    spelling: Spelling

    @property
    def text(self) -> str:
        return self.sign + self.body

    def with_body(self, body: str) -> "Entry":
        """The same kind of entry with another name or pattern."""
        return Entry(self.sign, body, self.spelling)

    @cached_property
    def matches(self) -> Callable[[str], object]:
        """Whether a name matches. Raises CheckpointError when the entry is no regular expression, or an endless one."""
        if self.spelling in REGULAR and _REPEATED_REPETITION.search(self.body):
            raise CheckpointError(
                f"`{shown(self.text)}` is refused", why="matching a repeated repetition may never end"
            )
        try:
            with warnings.catch_warnings(action="ignore"):
                return self._compiled()
        except (re.error, RecursionError, OverflowError) as error:
            raise CheckpointError(f"`{shown(self.text)}` is not a regular expression", why=shown(error)) from error

    def _compiled(self) -> Callable[[str], object]:
        match self.spelling:
            case Spelling.NAME:
                return re.compile(rf"{re.escape(self.body)}(?:\.|$)").match
            case Spelling.GLOB:
                return re.compile(fnmatch.translate(self.body)).match
            case Spelling.MATCH:
                return re.compile(self.body).match
            case Spelling.MODULE:
                return re.compile(rf"(?:{self.body})(?:(?<=\.)|(?=\.|$))").match
            case Spelling.SEARCH:
                return re.compile(self.body).search


def entry_of(text: str, keys: Sequence[str]) -> Entry:
    """Tell how `text`, which stands below these keys, is to be compared.

    `re:` marks a regular expression of compressed-tensors, `+:` and `-:` GPTQModel's positive and negative matches.
    """
    sign = text[:3] if text.startswith("re:") else text[:2] if text.startswith(("+:", "-:")) else ""
    body = text.removeprefix(sign)
    return Entry(sign, body, _spelling(sign, body, keys))


def _spelling(sign: str, body: str, keys: Sequence[str]) -> Spelling:
    has_pattern = _PATTERN.search(body) is not None
    if not _SEARCHED_KEYS.isdisjoint(keys):
        return Spelling.SEARCH if has_pattern else Spelling.NAME
    if sign or not _MATCHED_KEYS.isdisjoint(keys):
        return Spelling.MATCH
    if not has_pattern:
        return Spelling.NAME
    if not _MODULE_KEYS.isdisjoint(keys) and not _OPEN_END.search(body):
        return Spelling.MODULE
    is_regex = body.startswith(".*") or _REGEX_ONLY.search(body) is not None
    return Spelling.MATCH if is_regex else Spelling.GLOB
