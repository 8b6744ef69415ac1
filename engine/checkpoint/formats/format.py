"""What a checkpoint format is: everything that planning, merging and verifying ask of it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.config import ConfigFile
from engine.checkpoint.formats.tensors import Header, NewFile, NewTensor, StoredTensor, Types


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
    """Files that hold the tensors of the checkpoint in a directory. Raises CheckpointError if there are none."""
    read_tensors: Callable[[Path], dict[str, StoredTensor]]
    """Tensors of the checkpoint in a directory, by their names in the files. Headers are checked, no weight is read.
    Raises CheckpointError or MachineError."""
    read_header: Callable[[Path], Header]
    """The checked header of one file. Raises CheckpointError or MachineError."""
    header_bytes: Callable[[int], bytes]
    """The bytes of the header behind a file descriptor, unchecked: they identify a file whose size is known."""

    lay_out: Callable[[Sequence[NewTensor], int, str], tuple[NewFile, ...]]
    """Files for tensors in this order, a maximum number of bytes of tensors in one file, and the settings' text.

    A tensor larger than the maximum gets a file of its own. No tensors make one file."""
    texts: Callable[[Sequence[NewFile], str], Mapping[str, str]]
    """Name and content of the text files that readers need beside these files, given the settings' text."""
    problems: Callable[[Path], Iterator[str]]
    """Sentences about what keeps other readers from finding the tensors of a directory. Raises CheckpointError."""
