"""Entries of lists of modules: names, globs, regular expressions, what they match, and the layer numbers in them."""

import fnmatch
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from engine.checkpoint.anatomy import is_of_other_tower
from engine.checkpoint.layer_names.origins import HOLDERS, Modules
from engine.errors import CheckpointError, shown


class Spelling(Enum):
    """The way in which a reader compares an entry with a module's name."""

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
_PATTERN = r"[\\^$(|+{*?\[]"
_OPEN_END = r"\d\*$"
"""A glob of ModelOpt: as a regular expression it would match every layer."""
_REGEX_ONLY = r"[\\^$(|+{]"

_REPEATED_REPETITION = r"(?<!\\)[*+}]\)+[*+{]"


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
        """Match a name. Raises CheckpointError for an invalid regular expression, or one whose matching may not end."""
        if self.spelling in REGULAR and re.search(_REPEATED_REPETITION, self.body):
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
    """Return `text`, found under these keys, as an entry with its spelling.

    `re:` marks a regular expression of compressed-tensors, `+:` and `-:` GPTQModel's positive and negative matches.
    """
    sign = text[:3] if text.startswith("re:") else text[:2] if text.startswith(("+:", "-:")) else ""
    body = text.removeprefix(sign)
    return Entry(sign, body, _spelling(sign, body, keys))


def _spelling(sign: str, body: str, keys: Sequence[str]) -> Spelling:
    has_pattern = re.search(_PATTERN, body) is not None
    if not _SEARCHED_KEYS.isdisjoint(keys):
        return Spelling.SEARCH if has_pattern else Spelling.NAME
    if sign or not _MATCHED_KEYS.isdisjoint(keys):
        return Spelling.MATCH
    if not has_pattern:
        return Spelling.NAME
    if not _MODULE_KEYS.isdisjoint(keys) and not re.search(_OPEN_END, body):
        return Spelling.MODULE
    is_regex = body.startswith(".*") or re.search(_REGEX_ONLY, body) is not None
    return Spelling.MATCH if is_regex else Spelling.GLOB


_SEPARATOR = r"(?:\\\.|\[\.\]|\.)"
_NAME_HEAD = r"((?:[^.]*\.)*?)(\d+)(?=\.|$)"
_REGEX_HEAD = r"(\^?(?:\.\*)?(?:[\w-]|\\\.|\.(?![*+?{]))*?)(\d+)(?=\\\.|\.(?![*+?{])|\$$)"
_GLOB_WITH_OPEN_END = r"([^*?\[\]]*\.)(\d+)\*"
_PART = (
    rf"(?P<before>{_SEPARATOR})"
    r"(?P<number>(?:(?:\d+|\\d|\[[^\]]+\]|\((?:\?:|(?!\?))[^()]*\))(?:[*+?]|\{\d*,?\d*\})?)+)"
    rf"(?={_SEPARATOR}|[)|]|\$|$)"
)
_REGEX_NUMBERS = r"\d|\\[a-zA-Z]|\[|\.\.|\{"
_GLOB_NUMBERS = r"[\d?\[]"
"""Characters without which a glob cannot distinguish numbers."""


class Pinned(NamedTuple):
    """An entry about exactly one layer of the decoder: the number between a prefix and a suffix."""

    before: str
    layer: int
    after: str


class Part(NamedTuple):
    """A part of a regular expression that matches some layer numbers."""

    begin: int
    end: int
    layers: tuple[int, ...]


def pinned(entry: Entry, modules: Modules) -> Pinned | None:
    """The only layer that an entry is about; None if its spelling alone does not determine it."""
    is_regex = entry.spelling in REGULAR
    match = re.match(_REGEX_HEAD if is_regex else _NAME_HEAD, entry.body)
    if match is None or (is_regex and _has_branches(entry.body)):
        return None
    head = match[1].replace("\\", "").removeprefix("^") if is_regex else match[1]
    if not _counts_layers(head, entry, modules):
        return None
    return Pinned(match[1], int(match[2]), entry.body[match.end() :])


def open_end(entry: Entry, modules: Modules) -> Pinned | None:
    """A glob such as `model.layers.7*`, which is about layers 7 and 70 to 79."""
    match = re.fullmatch(_GLOB_WITH_OPEN_END, entry.body) if entry.spelling is Spelling.GLOB else None
    if match is None or not modules.is_decoder(match[1]):
        return None
    return Pinned(match[1], int(match[2]), "*")


def tells_apart(entry: Entry, numbers: int) -> bool:
    """Return True if a pattern may match some of the layers and not others."""
    if entry.spelling not in REGULAR:
        return re.search(_GLOB_NUMBERS, entry.body) is not None
    body = re.sub(
        _PART, lambda match: "" if len(_numbers_of(match["number"], numbers)) == numbers else match[0], entry.body
    )
    return re.search(_REGEX_NUMBERS, body.replace("\\.", "").replace("[.]", "")) is not None


def parts(body: str, numbers: int, holder: str = "") -> Iterator[Part]:
    """Parts of a regular expression that match layer numbers below `numbers`."""
    for match in re.finditer(_PART, body):
        word = re.search(r"\w*$", body[: match.start()])
        if word and word[0] and word[0] not in HOLDERS | {holder}:
            continue
        if layers := _numbers_of(match["number"], numbers):
            yield Part(match.start("number"), match.end("number"), layers)


def layers_of_component(component: str, numbers: int) -> tuple[int, ...]:
    """Numbers that one dotted component of a glob matches."""
    return tuple(number for number in range(numbers) if fnmatch.fnmatchcase(str(number), component))


def _numbers_of(pattern: str, numbers: int) -> tuple[int, ...]:
    try:
        with warnings.catch_warnings(action="ignore"):
            matches = re.compile(pattern).fullmatch
    except re.error:
        return ()
    return tuple(number for number in range(numbers) if matches(str(number)))


def _counts_layers(head: str, entry: Entry, modules: Modules) -> bool:
    if entry.spelling is Spelling.NAME:
        return modules.is_decoder(head)
    wild = ".*" if entry.spelling in REGULAR else "*"
    if head.startswith(wild):
        holder = head.removeprefix(wild).removeprefix(".").removesuffix(".")
        return modules.is_known and holder == modules.holder and modules.is_holder_unique
    if not _is_literal(head):
        return False
    is_anywhere = entry.spelling is Spelling.SEARCH and not entry.body.startswith("^")
    return modules.is_decoder(head) and (not is_anywhere or head == modules.prefix)


def _is_literal(head: str) -> bool:
    return re.fullmatch(r"[\w.\-]*", head) is not None


def _has_branches(body: str) -> bool:
    """Return True if `|` occurs outside all groups."""
    rest, before = body, ""
    while rest != before:
        rest, before = re.sub(r"\([^()]*\)", "", rest), rest
    return "|" in rest


_IN_TEXT = r"(?i)(?:^|[^a-z])(?:layers?|blk)(?:[_/ -]\d|\[\d+\]|\.\d+-\d)"
"""Matches "layers_5", "layers/5", "layers[5]", "layers.0-3"."""
_ONE_LAYER = r"layers?(?:_?(?:ids?|idxs?|index|num|number))?"
_LABELS = ("id2label", "label2id")
_RANGE = r"(?i)(?:(?:layers?|blocks?)[._ -]?)?(\d+)(?:\s*(?:-|:|\.\.|_|,|to)\s*(\d+))?"


def is_numbered_otherwise(data: Any, depth: int, known: Sequence[str] = (), text: str | None = None) -> bool:
    """Return True if `data` numbers some of `depth` layers in a way of its own.

    known: keys whose lists with one entry a layer are understood; text: `data` as it is spelled.
    """
    spelled = json.dumps(data) if text is None else text
    return re.search(_IN_TEXT, spelled) is not None or _is_layer_wise(data, depth, known)


def are_layer_ranges(keys: Iterable[str], depth: int, name: str) -> bool:
    """Return True if the keys of the mapping `name` are ranges of layers, such as "0-2", or single layers.

    Where the name does not say so, they have to begin at the first layer and to end at the last.
    """
    matches = [re.fullmatch(_RANGE, key) for key in keys]
    if not all(matches) or not any(match[2] for match in matches if match):
        return False
    numbers = [int(number) for match in matches if match for number in match.groups() if number]
    is_whole = min(numbers) in (0, 1) and max(numbers) in (depth - 1, depth)
    return max(numbers) <= depth and (is_whole or re.search("layer|block", name, re.IGNORECASE) is not None)


def _is_layer_wise(data: Any, depth: int, known: Sequence[str], key: str = "") -> bool:
    if is_of_other_tower(key):
        return False
    if isinstance(data, dict):
        is_by_range = bool(data) and are_layer_ranges(data, depth, key)
        return (
            is_by_range
            or _is_keyed_by_layer(data, depth, key)
            or any(_is_layer_wise(inner, depth, known, name) for name, inner in data.items())
        )
    if isinstance(data, list):
        is_one_each = "layer" in key and len(data) == depth and key not in known
        return (
            is_one_each
            or _lists_layers(data, depth, key)
            or any(_is_layer_wise(inner, depth, known, key) for inner in data if isinstance(inner, (dict, list)))
        )
    return type(data) is int and re.fullmatch(_ONE_LAYER, key) is not None and 0 <= data < depth


def _is_keyed_by_layer(data: dict[str, Any], depth: int, key: str) -> bool:
    numbers = [name for name in data if name.isdecimal()]
    if key in _LABELS or not numbers:
        return False
    return "layer" in key or sorted(map(int, numbers)) == list(range(depth))


def _lists_layers(data: list[Any], depth: int, key: str) -> bool:
    """Return True if these are numbers of layers: they rise, and the key says so."""
    if "layer" not in key or not data or any(type(number) is not int for number in data):
        return False
    return data == sorted(set(data)) and data[0] >= 0 and data[-1] <= depth
