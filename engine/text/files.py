"""Reading of text files: plain text, split into documents, or one JSON object per line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.errors import UsageError, machine_error, shown
from engine.text.corpus import Corpus, Document, corpus_of
from engine.units import byte_size

JSONL_SUFFIXES = (".jsonl", ".ndjson")
MAX_BYTES = 256 * 2**20
"""Maximum size of one file. Measurements use far less, so a larger file is probably a mistake."""


def read_corpus(files: Sequence[Path]) -> Corpus:
    """Return the documents of all files in order. Files named .jsonl or .ndjson are JSONL, all others plain text.

    Raises UsageError, with file and line or byte, for a file that is missing, too large, not UTF-8, or without text,
    and for a JSON line with neither text nor messages; MachineError if a file cannot be read.
    """
    documents = [document for file in files for document in _documents(file)]
    if not documents:
        named = ", ".join(shown(file) for file in files)
        raise UsageError(f"{named or 'no file'} has no text", fix="Give a file with text, or leave --text out.")
    return corpus_of(", ".join(shown(file.name) for file in files), documents)


def _documents(file: Path) -> Iterator[Document]:
    text = _decoded(file, _read(file))
    if file.suffix.lower() in JSONL_SUFFIXES:
        return documents_of_jsonl(file, text)
    return documents_of_text(file, text)


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise UsageError(
                f"{shown(file)} is too large",
                why=f"it has {byte_size(size)}, at most {byte_size(MAX_BYTES)} are read",
                fix="Give a part of it, for instance its first megabyte.",
            )
        return file.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{shown(file)} does not exist") from error
    except IsADirectoryError as error:
        raise UsageError(f"{shown(file)} is a directory", fix="Name the files in it.") from error
    except OSError as error:
        raise machine_error(f"{shown(file)} cannot be read", error) from error


def _decoded(file: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{shown(file)} is not UTF-8 text",
            why=f"byte {error.start} is 0x{content[error.start]:02x}, which is invalid at this position",
            fix="Convert it, for instance: iconv -f latin1 -t utf-8 FILE",
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


DOCUMENT_CHARACTERS = 4000
"""Approximate length of a document: enough for a sequence, and short texts still have documents for both splits."""

_SEPARATORS = ("\n\n", "\n", ". ", " ")
"""Separators in order of preference: the first that gives small enough pieces is used."""


def documents_of_text(file: Path, text: str) -> Iterator[Document]:
    """Yield documents of about DOCUMENT_CHARACTERS, split at blank lines, or inside paragraphs that are longer."""
    line = 1
    for piece in _joined(_pieces(_without_blanks_in_blank_lines(text), _SEPARATORS)):
        if piece.strip():
            yield Document(f"{shown(file.name)}, line {line}", piece.strip("\n"))
        line += piece.count("\n")


def _without_blanks_in_blank_lines(text: str) -> str:
    return "\n".join(line if line.strip() else "" for line in text.split("\n"))


def _pieces(text: str, separators: tuple[str, ...]) -> Iterator[str]:
    """Yield consecutive pieces of `text`, separators included; longer than a document only without separators."""
    if not separators:
        yield text
        return
    for piece in _split_after(text, separators[0]):
        if len(piece) <= DOCUMENT_CHARACTERS:
            yield piece
        else:
            yield from _pieces(piece, separators[1:])


def _split_after(text: str, separator: str) -> Iterator[str]:
    *parts, last = text.split(separator)
    yield from (part + separator for part in parts)
    if last:
        yield last


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    """Yield adjacent pieces joined up to the length of a document."""
    held: list[str] = []
    length = 0
    for piece in pieces:
        if held and length + len(piece) > DOCUMENT_CHARACTERS:
            yield "".join(held)
            held, length = [], 0
        held.append(piece)
        length += len(piece)
    yield "".join(held)


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
