"""Layout of the new checkpoint: shards, headers and offsets of every tensor, fixed before the first byte is read.

Format: https://github.com/huggingface/safetensors#format; shard names and index as transformers writes them.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.checkpoint.header import DTYPE_BITS, LENGTH_BYTES
from engine.checkpoint.index import SINGLE_FILE
from engine.plan.outputs import OutputTensor

MAX_SHARD_SIZE = 5_000_000_000
"""The Hub's usual size of a shard, in bytes."""

HEADER_ALIGNMENT = 64
"""Bytes; the format asks for 8. Readers map the file, and CPU kernels round by the alignment of a tensor."""

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
    """One safetensors file to be written."""

    name: str
    header: bytes
    """Length and JSON, padded: the file's first bytes."""
    tensors: tuple[PlacedTensor, ...]
    """Ordered by offset."""

    @property
    def nbytes(self) -> int:
        """Size of the whole file."""
        return self.tensors[-1].end if self.tensors else len(self.header)


@dataclass(frozen=True, slots=True)
class Layout:
    """All shards of a new checkpoint."""

    shards: tuple[Shard, ...]

    @property
    def nbytes(self) -> int:
        return sum(shard.nbytes for shard in self.shards)

    @property
    def tensors(self) -> Iterator[OutputTensor]:
        return (placed.tensor for shard in self.shards for placed in shard.tensors)

    @property
    def index(self) -> str | None:
        """The text of the index file; None for a single file, which needs none."""
        if len(self.shards) == 1:
            return None
        weight_map = {placed.tensor.name: shard.name for shard in self.shards for placed in shard.tensors}
        metadata = {
            "total_parameters": sum(math.prod(tensor.shape) for tensor in self.tensors),
            "total_size": sum(shard.nbytes - len(shard.header) for shard in self.shards),
        }
        document = {"metadata": metadata, "weight_map": weight_map}
        return json.dumps(document, indent=2, sort_keys=True) + "\n"


def lay_out(tensors: Sequence[OutputTensor], max_shard_size: int = MAX_SHARD_SIZE) -> Layout:
    """Distribute `tensors` over shards of at most `max_shard_size` data bytes; a larger tensor gets its own shard."""
    parts = list(_split(_in_source_order(tensors), max_shard_size)) or [[]]
    return Layout(tuple(_shard(_shard_name(i, len(parts)), part) for i, part in enumerate(parts, start=1)))


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


def _split(tensors: Iterable[OutputTensor], max_shard_size: int) -> Iterator[list[OutputTensor]]:
    part: list[OutputTensor] = []
    size = 0
    for tensor in tensors:
        nbytes = tensor.nbytes
        if part and size + nbytes > max_shard_size:
            yield part
            part, size = [], 0
        part.append(tensor)
        size += nbytes
    if part:
        yield part


def _shard_name(number: int, count: int) -> str:
    return SINGLE_FILE if count == 1 else f"model-{number:05}-of-{count:05}.safetensors"


def _shard(name: str, tensors: Sequence[OutputTensor]) -> Shard:
    """Wider elements first: readers view each tensor's bytes in place, which needs aligned offsets."""
    aligned = sorted(tensors, key=lambda tensor: -_element_bytes(tensor.dtype))
    spans = list(_spans(aligned))
    header = _header(aligned, spans)
    start = len(header)
    placed = [
        PlacedTensor(tensor, start + begin, start + end) for tensor, (begin, end) in zip(aligned, spans, strict=True)
    ]
    return Shard(name, header, tuple(placed))


def _element_bytes(dtype: str) -> int:
    return DTYPE_BITS[dtype] // 8 or 1


def _spans(tensors: Iterable[OutputTensor]) -> Iterator[tuple[int, int]]:
    """Begin and end of each tensor in the data section, one after another."""
    begin = 0
    for tensor in tensors:
        end = begin + tensor.nbytes
        yield begin, end
        begin = end


def _header(tensors: Sequence[OutputTensor], spans: Sequence[tuple[int, int]]) -> bytes:
    claims: dict[str, object] = {"__metadata__": {"format": "pt"}}
    for tensor, span in zip(tensors, spans, strict=True):
        claims[tensor.name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": span}
    raw = json.dumps(claims, separators=(",", ":")).encode()
    raw += b" " * (-(LENGTH_BYTES + len(raw)) % HEADER_ALIGNMENT)
    return len(raw).to_bytes(LENGTH_BYTES, "little") + raw
