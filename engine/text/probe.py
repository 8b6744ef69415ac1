"""Probes: items with a correct answer, one JSON object per line.

    {"prompt": "The capital of France is", "choices": ["Rome", "Paris"], "answer": 1}
    {"prompt": "Two and two make", "answer": "four"}

The answer of an item with choices is the index of the correct choice, from 0, or its text. An item without choices is
answered correctly if each token of the answer is the most likely one.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import UsageError, machine_error, shown

FORM = 'Each line is {"prompt": TEXT, "choices": [TEXT, ...], "answer": INDEX or TEXT}, or {"prompt", "answer": TEXT}.'


@dataclass(frozen=True, slots=True)
class ProbeItem:
    """One question with its answers."""

    prompt: str
    choices: tuple[str, ...]
    """Possible answers; a single one for an open item."""
    right: int
    """Index of the correct choice."""

    @property
    def is_open(self) -> bool:
        """True if the item has no choices, only an answer."""
        return len(self.choices) == 1


@dataclass(frozen=True, slots=True)
class Probe:
    """Items in a fixed order."""

    name: str
    """Name of the file."""
    items: tuple[ProbeItem, ...]

    @property
    def sha256(self) -> str:
        """Hash of the items, independent of the file's name and formatting."""
        return hashlib.sha256(json.dumps([asdict(item) for item in self.items]).encode()).hexdigest()


def read_probe(file: Path) -> Probe:
    """Read a probe. Raises UsageError, with file and line, for an invalid item, MachineError for an unreadable file."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown(file)} is not UTF-8 text", why=str(error.reason), fix=FORM) from error
    except OSError as error:
        raise machine_error(f"{shown(file)} cannot be read", error) from error
    items = tuple(_item(file, number, line) for number, line in enumerate(lines, start=1) if line.strip())
    if not items:
        raise UsageError(f"{shown(file)} has no items", fix=FORM)
    return Probe(file.name, items)


def _item(file: Path, number: int, line: str) -> ProbeItem:
    try:
        return _read(json.loads(line))
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{shown(file)}, line {number}", why=f"it is not a valid item ({shown(error)})", fix=FORM
        ) from error


def _read(entry: Any) -> ProbeItem:
    """Return the item of a JSON value. Raises ValueError if it is invalid."""
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    prompt, answer = _text(entry.get("prompt"), "prompt"), entry.get("answer")
    if "choices" not in entry:
        return ProbeItem(prompt, (_text(answer, "answer"),), 0)
    choices = tuple(_choices(entry["choices"]))
    index = choices.index(answer) if answer in choices else answer
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(choices):
        raise ValueError("the answer is not one of the choices")
    return ProbeItem(prompt, choices, index)


def _choices(values: Any) -> Iterator[str]:
    if not isinstance(values, list) or len(values) < 2:
        raise ValueError("choices needs at least two texts")
    if len(set(map(str, values))) < len(values):
        raise ValueError("two choices are the same")
    yield from (_text(value, "a choice") for value in values)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is not text")
    value.encode()
    return value
