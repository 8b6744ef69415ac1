"""Splitting of plain text into documents."""

from collections.abc import Iterator
from pathlib import Path

from engine.errors import shown
from engine.text.corpus import Document

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
