"""Integrity of a checkpoint directory, without torch: its files agree with each other, and with their SHA-256 sums."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.layer_keys.lists import KNOWN as PER_LAYER_LISTS
from engine.checkpoint.wrappers import wrapping_of
from engine.errors import CheckpointError, DlecError, machine_error, shown
from engine.files import is_inside
from engine.merge.layout import Layout

NO_SURPLUS: Mapping[str, int] = {}


def structure_problems(directory: Path, surplus: Mapping[str, int] = NO_SURPLUS) -> Iterator[str]:
    """Yield a sentence for each defect; nothing for a sound checkpoint. Reads headers, index and config; no weights.

    surplus: lists of the config to the number of extra entries that they are allowed.
    """
    try:
        checkpoint = open_checkpoint(directory)
        yield from checkpoint.format.problems(directory)
        yield from _name_problems(checkpoint)
        yield from _layer_problems(checkpoint)
        yield from _list_problems(checkpoint, surplus)
    except DlecError as error:
        yield error.line


def check_written(directory: Path, layout: Layout, donor: Checkpoint) -> None:
    """Raises CheckpointError when `directory` is not what `layout` says, or is not a sound checkpoint.

    Defects that the config's `donor` has as well (lists longer than the model is deep) are ignored.
    """
    for shard in layout.shards:
        header = layout.format.read_header(directory / shard.name)
        written = {(tensor.name, tensor.dtype, tensor.begin, tensor.end) for tensor in header.tensors}
        if written != {(placed.tensor.name, placed.tensor.dtype, placed.begin, placed.end) for placed in shard.tensors}:
            raise CheckpointError(f"{directory / shard.name} was not written as planned")
    problems = list(structure_problems(directory, donor.surplus_of_lists))
    if problems:
        raise CheckpointError(f"{directory} is not a sound checkpoint", why="; ".join(problems))


def _name_problems(checkpoint: Checkpoint) -> Iterator[str]:
    stored, count = wrapping_of(checkpoint.tensors.values())
    if stored:
        yield f"{count} tensors have the names of a training wrapper ({shown(stored)}): other readers do not find them"


def _layer_problems(checkpoint: Checkpoint) -> Iterator[str]:
    count, unannounced = checkpoint.layer_count, checkpoint.unannounced_layers
    if unannounced:
        yield f"{CONFIG_FILE} says {count} layers, the weights have {count + unannounced}: readers ignore the rest"


def _list_problems(checkpoint: Checkpoint, surplus: Mapping[str, int]) -> Iterator[str]:
    """Lists with one entry a layer must have one for each; some continue for the layers after the decoder."""
    count = checkpoint.layer_count
    for key in PER_LAYER_LISTS:
        value = checkpoint.config.decoder.get(key)
        allowed = {*checkpoint.extra_layers, surplus.get(key, 0)}
        if isinstance(value, list) and value and len(value) - count not in allowed:
            yield f"{CONFIG_FILE} has {len(value)} entries in {key} for {count} layers"


SUMS_FILE = "SHA256SUMS"

_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
"""Escapes of coreutils for names that would break a line."""


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
    sums = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise CheckpointError(f"{path} is not a list of SHA-256 sums", why=f"line {number} is {shown(line)}")
        name = _unescaped(match[3]) if match[1] else match[3]
        if not is_inside(name):
            raise CheckpointError(f"{path} is refused", why=f"line {number} names {shown(name)}, which is not below it")
        sums[name] = match[2]
    return sums


def _unescaped(name: str) -> str:
    plain = {escaped: character for character, escaped in _ESCAPES.items()}
    return re.sub(r"\\[\\nr]", lambda match: plain[match[0]], name)
