"""The formats that checkpoints can be read from and written in."""

from collections.abc import Collection
from pathlib import Path

from engine.checkpoint.formats.format import Block, Format, StoredTensor
from engine.checkpoint.formats.safetensors import SAFETENSORS
from engine.checkpoint.wrappers import unwrapped

FORMATS: tuple[Format, ...] = (SAFETENSORS,)
"""A directory that holds files of several formats is read in the first of these."""


def format_in(directory: Path) -> Format:
    """The format of the checkpoint in a directory; by default the first one, whose reader reports what is missing."""
    try:
        names = [file.name for file in directory.iterdir()]
    except OSError:
        names = []
    return next((each for each in FORMATS if any(map(each.is_own, names))), FORMATS[0])


def format_of(file: str) -> Format:
    """The format of a weight file, by its name."""
    return next((each for each in FORMATS if each.is_own(file)), FORMATS[0])


def is_weight_file(name: str) -> bool:
    """Return True for the name of a file of weights, or of an index of them, in any format."""
    return any(each.is_own(name) for each in FORMATS)


def looks_like_checkpoint(names: Collection[str]) -> bool:
    """Return True if a directory with files of these names may be a checkpoint."""
    return any(each.looks_like_checkpoint(names) for each in FORMATS)


def block_of(dtype: str) -> Block:
    """The block of a tensor type of any format."""
    return next(each.types[dtype] for each in FORMATS if dtype in each.types)


def read_tensors(directory: Path) -> dict[str, StoredTensor]:
    """Every tensor of the checkpoint in `directory`, by the name that the model's class gives it.

    Headers are checked, no weight is read. Raises CheckpointError or MachineError.
    """
    return unwrapped(format_in(directory).read_tensors(directory))
