"""Checkpoint formats: stored tensors, and everything that planning, merging and verifying ask of a format."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from engine.checkpoint.config import ConfigFile


class Block(NamedTuple):
    """The smallest piece of a tensor that has an address of its own: one element, or some that share scales."""

    elements: int
    nbytes: int


Types: TypeAlias = Mapping[str, Block]
"""The tensor types of a format by name. Names that several formats have mean the same bytes: "F32", "BF16"."""


class StoredTensor(NamedTuple):
    """One tensor of a checkpoint: the place of its bytes and their meaning."""

    name: str
    """Name by which the model's class knows it."""
    dtype: str
    """Name of a tensor type of the file's format."""
    shape: tuple[int, ...]
    file: Path
    begin: int
    """Offset of the first byte in the file (not in the data section)."""
    end: int
    """Offset after the last byte in the file."""
    wrapped_name: str = ""
    """Name in the file, if training wrappers have added theirs; "" if it is `name`."""

    @property
    def name_in_file(self) -> str:
        return self.wrapped_name or self.name

    @property
    def nbytes(self) -> int:
        return self.end - self.begin


class Header(NamedTuple):
    """The checked header of one file."""

    path: Path
    file_size: int
    tensors: tuple[StoredTensor, ...]
    """Tensors in byte order."""
    metadata: Mapping[str, str]


class NewTensor(NamedTuple):
    """A tensor to be written."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


class PlacedTensor(NamedTuple):
    """A tensor to be written and the place of its bytes."""

    tensor: NewTensor
    begin: int
    """Offset in the file (not in the data section)."""
    end: int


class NewFile(NamedTuple):
    """A file to be written: everything but the tensors' bytes."""

    name: str
    header: bytes
    """The file's first bytes."""
    tensors: tuple[PlacedTensor, ...]
    """Tensors in byte order."""


@dataclass(frozen=True)
class Format:
    """One format, as functions. A new one is a file of this package and an entry of `registry.FORMATS`."""

    name: str
    types: Types
    """Every tensor type that can be read or written."""

    is_own: Callable[[str], bool]
    """Return True for the name of a file with weights, or of an index of such files."""
    looks_like_checkpoint: Callable[[Collection[str]], bool]
    """Return True if a directory with files of these names may be a checkpoint."""

    read_config: Callable[[Path], ConfigFile]
    """Settings of the checkpoint in a directory. Raises CheckpointError or MachineError."""
    weight_files: Callable[[Path], list[Path]]
    """Files that hold the tensors of the checkpoint in a directory. Raises CheckpointError if it has none."""
    read_tensors: Callable[[Path], dict[str, StoredTensor]]
    """Tensors of the checkpoint in a directory, by their names in the files. Headers are checked, no weight is read.
    Raises CheckpointError or MachineError."""
    read_header: Callable[[Path], Header]
    """The checked header of one file. Raises CheckpointError or MachineError."""
    header_bytes: Callable[[int], bytes]
    """Bytes of the header of an open file, unchecked: they identify a file whose size is known."""

    lay_out: Callable[[Sequence[NewTensor], int, str], tuple[NewFile, ...]]
    """Files for tensors in this order, a maximum number of bytes of tensors in one file, and the settings' text.

    A tensor larger than the maximum gets a file of its own. No tensors make one file."""
    texts: Callable[[Sequence[NewFile], str], Mapping[str, str]]
    """Name and content of the text files that readers need in addition to these files, given the settings' text."""
    problems: Callable[[Path], Iterator[str]]
    """Sentences about what keeps other readers from finding the tensors of a directory. Raises CheckpointError."""
