"""Layout of the new checkpoint: files, headers and offsets of every tensor, fixed before the first byte is read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from engine.checkpoint.formats.format import Format, NewFile, NewTensor
from engine.checkpoint.formats.safetensors import SAFETENSORS
from engine.errors import PlanError, shown
from engine.plan.outputs import OutputTensor

MAX_SHARD_SIZE = 5_000_000_000
"""The Hub's usual size of a shard, in bytes."""

_LAYER = re.compile(r".*?(?:^|\.)\d+\.")


@dataclass(frozen=True, slots=True)
class PlacedTensor:
    """An output tensor and its bytes' place in its shard."""

    tensor: OutputTensor
    begin: int
    """Offset in the file (not in the data section)."""
    end: int


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of weights to be written."""

    name: str
    header: bytes
    """The file's first bytes."""
    tensors: tuple[PlacedTensor, ...]
    """Ordered by offset."""

    @property
    def nbytes(self) -> int:
        """Size of the whole file."""
        return self.tensors[-1].end if self.tensors else len(self.header)


@dataclass(frozen=True)
class Layout:
    """All files of a new checkpoint's weights."""

    format: Format
    shards: tuple[Shard, ...]
    texts: Mapping[str, str]
    """Name and content of the text files that readers need in addition to the shards."""

    @property
    def nbytes(self) -> int:
        return sum(shard.nbytes for shard in self.shards)

    @property
    def tensors(self) -> Iterator[OutputTensor]:
        return (placed.tensor for shard in self.shards for placed in shard.tensors)


def lay_out(
    tensors: Iterable[OutputTensor],
    max_shard_size: int = MAX_SHARD_SIZE,
    written_in: Format = SAFETENSORS,
    settings: str = "",
) -> Layout:
    """Distribute `tensors` over files of at most `max_shard_size` bytes of tensors; a larger one gets its own file.

    settings: the text of the new config. Raises PlanError for a tensor whose type the format does not have.
    """
    ordered = list(_in_source_order(tensors))
    files = written_in.lay_out([_as_written(tensor, written_in) for tensor in ordered], max_shard_size, settings)
    by_name = {tensor.name: tensor for tensor in ordered}
    return Layout(written_in, tuple(_shard(file, by_name) for file in files), written_in.texts(files, settings))


def _in_source_order(tensors: Iterable[OutputTensor]) -> Iterator[OutputTensor]:
    """Layer by layer; within a layer as in the source, so that a layer's bytes can be copied in one piece."""
    for _, layer in groupby(tensors, key=_layer_of):
        yield from sorted(layer, key=_place_in_source)


def _place_in_source(tensor: OutputTensor) -> tuple[str, int]:
    """File and offset of the first piece; tensors without pieces come first."""
    return (str(tensor.pieces[0].file), tensor.pieces[0].begin) if tensor.pieces else ("", 0)


def _layer_of(tensor: OutputTensor) -> str:
    match = _LAYER.match(tensor.name)
    return match[0] if match else ""


def _as_written(tensor: OutputTensor, written_in: Format) -> NewTensor:
    if tensor.dtype not in written_in.types:
        raise PlanError(f"{shown(tensor.name)} cannot be written", why=f"{written_in.name} has no type {tensor.dtype}")
    return NewTensor(tensor.name, tensor.dtype, tensor.shape, tensor.nbytes)


def _shard(file: NewFile, tensors: Mapping[str, OutputTensor]) -> Shard:
    placed = (PlacedTensor(tensors[place.tensor.name], place.begin, place.end) for place in file.tensors)
    return Shard(file.name, file.header, tuple(placed))
