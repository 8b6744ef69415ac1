"""Headers of safetensors files: read without trust, and written.

Format: 8 bytes little-endian length, that many bytes of JSON, then the data.
Source: https://github.com/huggingface/safetensors#format
"""

import json
import math
import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from engine.checkpoint.config import missing_file
from engine.checkpoint.formats.format import Block, Header, NewTensor, PlacedTensor, StoredTensor, Types
from engine.errors import CheckpointError, machine_error, shown
from engine.files import is_text, open_regular

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100_000_000
"""The limit of the reference implementation."""

HEADER_ALIGNMENT = 64
"""Bytes; the format asks for 8. Readers map the file, and CPU kernels round by the position in a cache line."""

MAX_NUMBER = 2**63 - 1
"""Largest number that file systems and readers support."""

TYPES: Types = {
    **dict.fromkeys(
        ("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), Block(elements=1, nbytes=1)
    ),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), Block(elements=1, nbytes=2)),
    **dict.fromkeys(("I32", "U32", "F32"), Block(elements=1, nbytes=4)),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), Block(elements=1, nbytes=8)),
    "F4": Block(elements=2, nbytes=1),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), Block(elements=4, nbytes=3)),
}


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


def header_bytes(descriptor: int) -> bytes:
    """The JSON of an open file's header, unchecked."""
    length = int.from_bytes(os.pread(descriptor, LENGTH_BYTES, 0), "little")
    return os.pread(descriptor, min(length, MAX_HEADER_BYTES), LENGTH_BYTES)


def header_of(tensors: Sequence[NewTensor]) -> tuple[bytes, tuple[PlacedTensor, ...]]:
    """The header of a file with these tensors, padded, and the places of their bytes, in this order."""
    ends = list(accumulate(tensor.nbytes for tensor in tensors))
    claims: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for tensor, end in zip(tensors, ends, strict=True):
        offsets = [end - tensor.nbytes, end]
        claims[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
    raw = json.dumps(claims, separators=(",", ":")).encode()
    raw += b" " * (-(LENGTH_BYTES + len(raw)) % HEADER_ALIGNMENT)
    start = LENGTH_BYTES + len(raw)
    places = (
        PlacedTensor(tensor, start + end - tensor.nbytes, start + end)
        for tensor, end in zip(tensors, ends, strict=True)
    )
    return len(raw).to_bytes(LENGTH_BYTES, "little") + raw, tuple(places)


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


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


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
    if dtype not in TYPES:
        raise _broken(path, f"tensor {shown(name)} has the unknown dtype {shown(dtype)}")
    if not all(type(number) is int and 0 <= number <= MAX_NUMBER for number in (*shape, begin, end)):
        raise _broken(path, f"tensor {shown(name)} has a shape or offset that is not a whole number")
    elements, block = math.prod(shape), TYPES[dtype]
    if elements * block.nbytes != (end - begin) * block.elements:
        needed = f"{elements * block.nbytes // block.elements:,}" if elements <= MAX_NUMBER else "more than any file"
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
                path, f"{tensor.begin - position:,} bytes before tensor {shown(tensor.name)} belong to no tensor"
            )
        position = tensor.end
    if position != file_size:
        raise _broken(path, f"{file_size - position:,} bytes at its end belong to no tensor")


def _broken(path: Path, why: str, *, truncated: bool = False) -> CheckpointError:
    fix = "The file looks cut off: download or copy it again." if truncated else "Download or copy the file again."
    return CheckpointError(f"{path} is not a valid safetensors file", why=why, fix=fix)
