"""Reads a safetensors header and believes none of it before it is checked.

Format: 8 bytes little-endian length, that many bytes of JSON, then the data.
Source: https://github.com/huggingface/safetensors#format
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.links import missing_file
from engine.errors import CheckpointError, machine_error, shown
from engine.files import open_regular

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100_000_000
"""The limit of the reference implementation."""

MAX_NUMBER = 2**63 - 1
"""What file systems and readers can count to."""

DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor as a safetensors header describes it: where its bytes lie and what they mean."""

    name: str
    """By which the model's class knows it."""
    dtype: str
    """A key of DTYPE_BITS."""
    shape: tuple[int, ...]
    file: Path
    begin: int
    """Offset of the first byte in the file (not in the data section)."""
    end: int
    """Offset behind the last byte in the file."""
    wrapped_name: str = ""
    """As the file spells it, where training wrappers have put their names in; "" where that is `name`."""

    @property
    def name_in_file(self) -> str:
        return self.wrapped_name or self.name

    @property
    def nbytes(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Header:
    """The checked header of one safetensors file."""

    path: Path
    file_size: int
    tensors: tuple[StoredTensor, ...]
    """In the order of their bytes."""
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read and check the header of `path`.

    Raises CheckpointError when any claim of the file is false, MachineError when it cannot be read.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            raw = _read_raw(file, size, path)
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except OSError as error:
        raise machine_error(f"{path} cannot be read", error) from error
    return parse_header(raw, size, path)


def parse_header(raw: bytes, file_size: int, path: Path) -> Header:
    """Check the JSON `raw` of the header of a file of `file_size` bytes."""
    claims = _as_object(raw, path)
    metadata = _metadata(claims.pop("__metadata__", {}), path)
    data_start = LENGTH_BYTES + len(raw)
    tensors = [_tensor(name, claim, data_start, path) for name, claim in claims.items()]
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    _check_tiling(tensors, data_start, file_size, path)
    return Header(path, file_size, tuple(tensors), metadata)


def _read_raw(file: Any, size: int, path: Path) -> bytes:
    if size < LENGTH_BYTES:
        raise _broken(path, f"{size} bytes are too few for a header", truncated=True)
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if length > MAX_HEADER_BYTES:
        raise _broken(path, f"its header claims {length:,} bytes, the format allows {MAX_HEADER_BYTES:,}")
    if LENGTH_BYTES + length > size:
        raise _broken(path, f"its header claims {length:,} bytes, the file has {size:,}", truncated=True)
    raw: bytes = file.read(length)
    return raw


def _as_object(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        claims = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"its header is not valid JSON ({shown(error)})") from error
    if not isinstance(claims, dict):
        raise _broken(path, "its header is not a JSON object")
    return claims


def is_text(name: str) -> bool:
    """False for a lone surrogate, which JSON can spell and no file can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _metadata(claim: Any, path: Path) -> dict[str, str]:
    if not isinstance(claim, dict) or not all(isinstance(value, str) for value in claim.values()):
        raise _broken(path, "__metadata__ is not a map of text to text")
    return claim


def _tensor(name: str, claim: Any, data_start: int, path: Path) -> StoredTensor:
    match claim:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]}:
            pass
        case _:
            raise _broken(path, f"tensor {shown(name)} lacks dtype, shape or data_offsets")
    if not is_text(name):
        raise _broken(path, f"the name {shown(name)} is not text")
    if dtype not in DTYPE_BITS:
        raise _broken(path, f"tensor {shown(name)} has the unknown dtype {shown(dtype)}")
    if not all(type(number) is int and 0 <= number <= MAX_NUMBER for number in (*shape, begin, end)):
        raise _broken(path, f"tensor {shown(name)} has a shape or offset that is not a whole number")
    bits = math.prod(shape) * DTYPE_BITS[dtype]
    if bits != (end - begin) * 8:
        needed = f"{bits // 8:,}" if bits <= MAX_NUMBER else "more than any file"
        raise _broken(
            path,
            f"tensor {shown(name)} of {dtype} {shown(shape)} needs {needed} bytes, its offsets give {end - begin:,}",
        )
    return StoredTensor(name, dtype, tuple(shape), path, data_start + begin, data_start + end)


def _check_tiling(tensors: list[StoredTensor], data_start: int, file_size: int, path: Path) -> None:
    """The data section is covered exactly once: no overlap, no hole, no rest."""
    position = data_start
    for tensor in tensors:
        if tensor.end > file_size:
            why = f"tensor {shown(tensor.name)} ends at byte {tensor.end:,}, the file has {file_size:,}"
            raise _broken(path, why, truncated=True)
        if tensor.begin < position:
            raise _broken(path, f"tensor {shown(tensor.name)} overlaps the one before it")
        if tensor.begin > position:
            raise _broken(
                path, f"{tensor.begin - position:,} bytes before tensor {shown(tensor.name)} belong to nothing"
            )
        position = tensor.end
    if position != file_size:
        raise _broken(path, f"{file_size - position:,} bytes at its end belong to nothing")


def _broken(path: Path, why: str, *, truncated: bool = False) -> CheckpointError:
    fix = "The file looks cut off: download or copy it again." if truncated else "Download or copy the file again."
    return CheckpointError(f"{path} is not a valid safetensors file", why=why, fix=fix)
