"""Reads probes: items with a right answer, one JSON object in each line.

    {"prompt": "The capital of France is", "choices": ["Rome", "Paris"], "answer": 1}
    {"prompt": "Two and two make", "answer": "four"}

The answer of an item with choices is the right one's place, counted from 0, or its text. An item without choices is
answered rightly when each token of the answer is the likeliest one.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import UsageError, machine_error, shown

FORM = 'Each line is {"prompt": TEXT, "choices": [TEXT, ...], "answer": PLACE or TEXT}, or {"prompt", "answer": TEXT}.'


@dataclass(frozen=True, slots=True)
class ProbeItem:
    """One question."""

    prompt: str
    choices: tuple[str, ...]
    """The possible answers; the only one where there is nothing to choose from."""
    right: int
    """Index of the right choice."""

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to choose from."""
        return len(self.choices) == 1


@dataclass(frozen=True, slots=True)
class Probe:
    """Items in a fixed order."""

    name: str
    """Name of its file."""
    items: tuple[ProbeItem, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 of the items; the file's name and spelling do not matter."""
        return hashlib.sha256(json.dumps([asdict(item) for item in self.items]).encode()).hexdigest()


def read_probe(file: Path) -> Probe:
    """Raises UsageError, naming file and line, for what is no probe, MachineError for a file that cannot be read."""
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
            f"{shown(file)}, line {number}", why=f"it is not an item ({shown(error)})", fix=FORM
        ) from error


def _read(entry: Any) -> ProbeItem:
    """Raises ValueError."""
    if not isinstance(entry, dict):
        raise ValueError("no object")
    prompt, answer = _text(entry.get("prompt"), "prompt"), entry.get("answer")
    if "choices" not in entry:
        return ProbeItem(prompt, (_text(answer, "answer"),), 0)
    choices = tuple(_choices(entry["choices"]))
    place = choices.index(answer) if answer in choices else answer
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(choices):
        raise ValueError("the answer is not one of the choices")
    return ProbeItem(prompt, choices, place)


def _choices(found: Any) -> Iterator[str]:
    if not isinstance(found, list) or len(found) < 2:
        raise ValueError("choices are two texts or more")
    if len(set(map(str, found))) < len(found):
        raise ValueError("two choices are the same")
    yield from (_text(each, "a choice") for each in found)


def _text(found: Any, what: str) -> str:
    if not isinstance(found, str) or not found.strip():
        raise ValueError(f"{what} is not text")
    found.encode()
    return found
