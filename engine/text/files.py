"""Reading of text files: plain text, or one JSON object per line."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import UsageError, machine_error, shown
from engine.text.corpus import Corpus, Document, corpus_of
from engine.text.jsonl import documents_of_jsonl
from engine.text.plain import documents_of_text
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
