"""Where an entry says a layer's number in so many digits, or with a part that stands for some numbers."""

import fnmatch
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoint.layer_names.entries import REGULAR, Entry, Spelling
from engine.checkpoint.layer_names.origins import HOLDERS, Modules

_SEPARATOR = r"(?:\\\.|\[\.\]|\.)"
_NAME_HEAD = re.compile(r"((?:[^.]*\.)*?)(\d+)(?=\.|$)")
_REGEX_HEAD = re.compile(r"(\^?(?:\.\*)?(?:[\w-]|\\\.|\.(?![*+?{]))*?)(\d+)(?=\\\.|\.(?![*+?{])|\$$)")
_OPEN_END = re.compile(r"([^*?\[\]]*\.)(\d+)\*")
_PART = re.compile(
    rf"(?P<before>{_SEPARATOR})"
    r"(?P<number>(?:(?:\d+|\\d|\[[^\]]+\]|\((?:\?:|(?!\?))[^()]*\))(?:[*+?]|\{\d*,?\d*\})?)+)"
    rf"(?={_SEPARATOR}|[)|]|\$|$)"
)
_REGEX_NUMBERS = re.compile(r"\d|\\[a-zA-Z]|\[|\.\.|\{")
_GLOB_NUMBERS = re.compile(r"[\d?\[]")
"""What a pattern without is blind to numbers."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """An entry about exactly one layer of the decoder: the number stands between what is before and after it."""

    before: str
    layer: int
    after: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a regular expression that stands for some layer numbers."""

    begin: int
    end: int
    layers: tuple[int, ...]


def pinned(entry: Entry, modules: Modules) -> Pinned | None:
    """The one layer that an entry is about; None where its spelling alone does not tell."""
    is_regex = entry.spelling in REGULAR
    match = (_REGEX_HEAD if is_regex else _NAME_HEAD).match(entry.body)
    if match is None or (is_regex and _has_branches(entry.body)):
        return None
    head = match[1].replace("\\", "").removeprefix("^") if is_regex else match[1]
    if not _counts_layers(head, entry, modules):
        return None
    return Pinned(match[1], int(match[2]), entry.body[match.end() :])


def open_end(entry: Entry, modules: Modules) -> Pinned | None:
    """A glob such as `model.layers.7*`, which is about layers 7 and 70 to 79."""
    match = _OPEN_END.fullmatch(entry.body) if entry.spelling is Spelling.GLOB else None
    if match is None or not modules.is_decoder(match[1]):
        return None
    return Pinned(match[1], int(match[2]), "*")


def tells_apart(entry: Entry, numbers: int) -> bool:
    """Whether a pattern may match some of so many layers and not others."""
    if entry.spelling not in REGULAR:
        return _GLOB_NUMBERS.search(entry.body) is not None
    body = _PART.sub(
        lambda match: "" if len(_numbers_of(match["number"], numbers)) == numbers else match[0], entry.body
    )
    return _REGEX_NUMBERS.search(body.replace("\\.", "").replace("[.]", "")) is not None


def parts(body: str, numbers: int, holder: str = "") -> Iterator[Part]:
    """The parts of a regular expression that stand for layer numbers below `numbers`."""
    for match in _PART.finditer(body):
        word = re.search(r"\w*$", body[: match.start()])
        if word and word[0] and word[0] not in HOLDERS | {holder}:
            continue
        if layers := _numbers_of(match["number"], numbers):
            yield Part(match.start("number"), match.end("number"), layers)


def layers_of_component(component: str, numbers: int) -> tuple[int, ...]:
    """The numbers that one dotted component of a glob stands for."""
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
    """Whether `|` stands outside all groups."""
    rest, before = body, ""
    while rest != before:
        rest, before = re.sub(r"\([^()]*\)", "", rest), rest
    return "|" in rest
