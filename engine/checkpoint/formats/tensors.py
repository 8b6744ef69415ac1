"""Stored tensors, and the headers of the files that hold them, in whatever format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Block:
    """The smallest piece of a tensor that has an address of its own: one element, or some that share scales."""

    elements: int
    nbytes: int


Types: TypeAlias = Mapping[str, Block]
"""The tensor types of a format by name. Names that several formats have mean the same bytes: "F32", "BF16"."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a checkpoint: where its bytes lie and what they mean."""

    name: str
    """Name by which the model's class knows it."""
    dtype: str
    """Name of a tensor type of the file's format."""
    shape: tuple[int, ...]
    file: Path
    begin: int
    """Offset of the first byte in the file (not in the data section)."""
    end: int
    """Offset behind the last byte in the file."""
    wrapped_name: str = ""
    """Name in the file, if training wrappers have added theirs; "" if it is `name`."""

    @property
    def name_in_file(self) -> str:
        return self.wrapped_name or self.name

    @property
    def nbytes(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Header:
    """The checked header of one file."""

    path: Path
    file_size: int
    tensors: tuple[StoredTensor, ...]
    """In the order of their bytes."""
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewTensor:
    """A tensor to be written."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


@dataclass(frozen=True, slots=True)
class PlacedTensor:
    """A tensor to be written and the place of its bytes."""

    tensor: NewTensor
    begin: int
    """Offset in the file (not in the data section)."""
    end: int


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written: everything but the tensors' bytes."""

    name: str
    header: bytes
    """The file's first bytes."""
    tensors: tuple[PlacedTensor, ...]
    """In the order of their bytes."""
