"""Stored tensors, or rows of them, read into memory of torch."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError, machine_error, shown
from engine.files import open_regular
from engine.tensors.library import DTYPE_NAMES, torch_library
from engine.tensors.scaling import torch_dtype

if TYPE_CHECKING:
    import torch


def read_tensors(tensors: Mapping[str, StoredTensor]) -> "Iterator[tuple[str, torch.Tensor]]":
    """Yield stored tensors on the CPU, in memory that torch allocates: the alignment of weights decides how they round.

    Raises CheckpointError when a file has shrunk or holds a dtype that is not one to compute with.
    """
    with ExitStack() as opened:
        files = {path: opened.enter_context(_opened(path)) for path in {each.file for each in tensors.values()}}
        for name, tensor in tensors.items():
            yield name, _read(tensor, files[tensor.file])


def _read(tensor: StoredTensor, file: int) -> "torch.Tensor":
    dtype = torch_dtype(tensor.dtype) if tensor.dtype in DTYPE_NAMES else _integer_dtype(tensor)
    stored: torch.Tensor = torch_library().empty(tensor.shape, dtype=dtype)
    if tensor.nbytes:
        raw: Any = stored.view(-1).view(torch_library().uint8).numpy()
        _fill(memoryview(raw), tensor, file)
    return stored


def _fill(target: memoryview, tensor: StoredTensor, file: int) -> None:
    done = 0
    while done < len(target):
        try:
            count = os.preadv(file, [target[done:]], tensor.begin + done)
        except OSError as error:
            raise machine_error(f"{tensor.file} cannot be read", error) from error
        if count == 0:
            raise CheckpointError(
                f"{tensor.file} has become shorter while it was read", why=f"{shown(tensor.name)} is cut off"
            )
        done += count


def _integer_dtype(tensor: StoredTensor) -> Any:
    names = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64"}
    if tensor.dtype not in names:
        raise CheckpointError(
            f"{shown(tensor.name)} of {tensor.file} cannot be streamed",
            why=f"it is stored as {tensor.dtype}, which means nothing without scales",
            fix="Use a checkpoint that is not quantised, or one that fits the device.",
        )
    return getattr(torch_library(), names[tensor.dtype])


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        with open_regular(path) as file:
            yield file.fileno()
    except OSError as error:
        raise machine_error(f"{path} cannot be read", error) from error
