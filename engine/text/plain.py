"""Cuts plain text into documents."""

from collections.abc import Iterator
from pathlib import Path

from engine.errors import shown
from engine.text.corpus import Document

DOCUMENT_CHARACTERS = 4000
"""About as long a document is cut: long enough for a sequence, short enough for two splits of a short text."""

_SEPARATORS = ("\n\n", "\n", ". ", " ")
"""Where a text may be cut: the first of these that makes pieces small enough."""


def documents_of_text(file: Path, text: str) -> Iterator[Document]:
    """Documents of about DOCUMENT_CHARACTERS, cut at blank lines, or inside a paragraph that is longer than that."""
    line = 1
    for piece in _joined(_pieces(_without_blanks_in_blank_lines(text), _SEPARATORS)):
        if piece.strip():
            yield Document(f"{shown(file.name)}, line {line}", piece.strip("\n"))
        line += piece.count("\n")


def _without_blanks_in_blank_lines(text: str) -> str:
    return "\n".join(line if line.strip() else "" for line in text.split("\n"))


def _pieces(text: str, separators: tuple[str, ...]) -> Iterator[str]:
    """Pieces, separators included, that give `text` when joined; longer than a document only without separators."""
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
    """Neighbouring pieces joined up to the length of a document."""
    held: list[str] = []
    length = 0
    for piece in pieces:
        if held and length + len(piece) > DOCUMENT_CHARACTERS:
            yield "".join(held)
            held, length = [], 0
        held.append(piece)
        length += len(piece)
    yield "".join(held)
