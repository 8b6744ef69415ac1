"""A checkpoint's identity: equal for equal weights in any directory, different for two finetunes of one base.

Hashed: config.json, every tensor's name, dtype and shape, and a window of content from the middle of the largest
tensors. Reading 2,048 windows takes well under 2 s however large the checkpoint is.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import machine_error

WINDOW_BYTES = 1024
MAX_WINDOWS = 2048


def fingerprint(checkpoint: Checkpoint) -> str:
    """32 hexadecimal digits. Raises MachineError when a shard cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(checkpoint.config.text.encode())
    for tensor in sorted(checkpoint.tensors.values(), key=lambda tensor: tensor.name):
        digest.update(f"{tensor.name}\0{tensor.dtype}\0{tensor.shape}\0".encode())
    for window in _windows(_sampled(checkpoint)):
        digest.update(window)
    return digest.hexdigest()


def _sampled(checkpoint: Checkpoint) -> list[StoredTensor]:
    """The largest tensors, in an order that does not depend on how they are sharded."""
    by_size = sorted(checkpoint.tensors.values(), key=lambda tensor: (-tensor.nbytes, tensor.name))
    return by_size[:MAX_WINDOWS]


def _windows(tensors: list[StoredTensor]) -> Iterator[bytes]:
    """A window from the middle of each tensor, in the order given; each file is opened once."""
    by_file: dict[Path, list[StoredTensor]] = defaultdict(list)
    for tensor in tensors:
        by_file[tensor.file].append(tensor)
    contents: dict[str, bytes] = {}
    for file, group in by_file.items():
        contents.update(_read_windows(file, group))
    yield from (contents[tensor.name] for tensor in tensors)


def _read_windows(file: Path, tensors: list[StoredTensor]) -> dict[str, bytes]:
    """Raises MachineError where the file cannot be opened or read: a network disk fails at either (ESTALE, EIO)."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            return {tensor.name: _window(descriptor, tensor) for tensor in sorted(tensors, key=lambda t: t.begin)}
        finally:
            os.close(descriptor)
    except OSError as error:
        raise machine_error(f"{file} cannot be read", error) from error


def _window(descriptor: int, tensor: StoredTensor) -> bytes:
    length = min(WINDOW_BYTES, tensor.nbytes)
    return os.pread(descriptor, length, tensor.begin + (tensor.nbytes - length) // 2)
