"""Documents from JSON Lines: one object per line, with "text", or with "messages" of a chat."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import UsageError, shown
from engine.text.corpus import Document


class _LineError(Exception):
    """Reason why a line is invalid."""


def documents_of_jsonl(file: Path, text: str) -> Iterator[Document]:
    """Yield one document per line, except for blank lines and empty texts; "messages" takes precedence over "text".

    Raises UsageError, with file and line, for an invalid line.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            document = _document(file, number, line)
            if document.characters:
                yield document


def _document(file: Path, number: int, line: str) -> Document:
    title = f"{shown(file.name)}, line {number}"
    try:
        entry = _parsed(line)
        if "messages" in entry:
            return Document(title, "", tuple(map(_message, _list(entry["messages"]))))
        return Document(title, _text(entry, "text").strip("\n"))
    except _LineError as error:
        raise UsageError(
            f"{shown(file)}, line {number}",
            why=str(error),
            fix='Each line is an object: {"text": "..."} or {"messages": [{"role": "user", "content": "..."}, ...]}.',
        ) from error


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _LineError(f"it is not JSON ({shown(error)})") from error
    if not isinstance(entry, dict):
        raise _LineError("it is not an object")
    if not {"text", "messages"} & entry.keys():
        raise _LineError('it has neither "text" nor "messages"')
    return entry


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _LineError('"messages" is not a list')
    return value


def _message(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _LineError('"messages" holds something that is not an object')
    return {key: _text(value, key) for key in ("role", "content")}


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise _LineError(f'"{key}" is missing or not text')
    if not _is_encodable(value):
        raise _LineError(f'"{key}" holds half of a surrogate pair')
    return value


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
