"""SHA-256 sums of a whole directory, in the form that `sha256sum -c SHA256SUMS` reads."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from engine.errors import CheckpointError, machine_error, shown
from engine.files import is_inside

SUMS_FILE = "SHA256SUMS"

_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
"""How coreutils writes names that would break a line."""


def sums_text(directory: Path) -> str:
    """One line for each file below `directory` except the sums themselves.

    Names that are not text keep their bytes when this is written with os.fsencode.
    """
    files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    files.pop(SUMS_FILE, None)
    return "".join(_line(name, file_sum(files[name])) for name in sorted(files))


def mismatches(directory: Path) -> Iterator[str]:
    """Names in SHA256SUMS whose file is missing or differs.

    Raises CheckpointError for a list that cannot be read, or that names a file outside of the directory.
    """
    for name, expected in _read(directory / SUMS_FILE).items():
        path = directory / name
        if not path.is_file() or file_sum(path) != expected:
            yield name


def file_sum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise machine_error(f"{path} cannot be read", error) from error


def _line(name: str, digest: str) -> str:
    escaped = "".join(_ESCAPES.get(character, character) for character in name)
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"


def _read(path: Path) -> dict[str, str]:
    try:
        lines = os.fsdecode(path.read_bytes()).split("\n")[:-1]
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read", why=shown(error)) from error
    found = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise CheckpointError(f"{path} is not a list of SHA-256 sums", why=f"line {number} is {shown(line)}")
        name = _unescaped(match[3]) if match[1] else match[3]
        if not is_inside(name):
            raise CheckpointError(f"{path} is refused", why=f"line {number} names {shown(name)}, which is not below it")
        found[name] = match[2]
    return found


def _unescaped(name: str) -> str:
    plain = {escaped: character for character, escaped in _ESCAPES.items()}
    return re.sub(r"\\[\\nr]", lambda match: plain[match[0]], name)
