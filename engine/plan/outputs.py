"""Tensors of the model that a stack describes: name, shape, the stored pieces of each, and the operation on them."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from engine.checkpoint.anatomy import End, is_output_head, is_token_embedding
from engine.checkpoint.checkpoint import FLOAT_DTYPES, Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.registry import block_of
from engine.checkpoint.layer_keys import ConfigEdit, edited_config
from engine.checkpoint.layer_names import Origins, modules_of
from engine.checkpoint.residual import gain_offset, norms_after
from engine.plan.patches import applied
from engine.plan.stack import Donor, FactorLevel, Part, Stack, Visit, factor_of

FLOAT8_DTYPES = ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
"""8-bit dtypes whose zero is a zero byte (E8M0 has no zero). They can be zeroed, but not computed with."""

CONFIG_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


class Scaling(NamedTuple):
    """t becomes factor * (t + offset) - offset: a product, or the gain of a norm that stores gain - 1."""

    factor: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Copy:
    """The bytes of the pieces, unchanged."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The elements of the pieces in another dtype."""

    work_dtype: str
    """Dtype that they are cast to first; then to the dtype of the output."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The elements of the pieces, cast and scaled."""

    scaling: Scaling
    work_dtype: str
    """Dtype of the arithmetic."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One value in every element; no pieces."""

    value: float


@dataclass(frozen=True, slots=True)
class Mean:
    """The elementwise mean of the pieces, which all have the shape of the output, in float32 (float64 if stored so)."""


Operation: TypeAlias = Copy | Cast | Scale | Fill | Mean
"""Operation that makes an output tensor of its pieces. All but Fill and Mean concatenate them."""


class OutputTensor(NamedTuple):
    """One tensor of the new checkpoint."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """Dtype in the new checkpoint."""
    pieces: tuple[StoredTensor, ...]
    """Stored tensors, or rows of them (see `rows_of`)."""
    operation: Operation = Copy()

    @property
    def is_copy(self) -> bool:
        """True when stored bytes become the tensor as they are."""
        return isinstance(self.operation, Copy)

    @property
    def nbytes(self) -> int:
        """Bytes in the new checkpoint."""
        if self.is_copy:
            return sum(piece.nbytes for piece in self.pieces)
        block = block_of(self.dtype)
        return math.prod(self.shape) * block.nbytes // block.elements


def rows_of(tensor: StoredTensor, start: int, stop: int) -> StoredTensor:
    """The piece that consists of the rows `start` to `stop` - 1 of a stored tensor."""
    nbytes = tensor.nbytes // tensor.shape[0]
    begin, end = tensor.begin + start * nbytes, tensor.begin + stop * nbytes
    return tensor._replace(shape=(stop - start, *tensor.shape[1:]), begin=begin, end=end)


def output_tensors(stack: Stack) -> list[OutputTensor]:
    """Every tensor of the new checkpoint: embeddings, layers from bottom to top, head, the rest; patches applied."""
    tensors = planned_tensors(stack)
    return _patched(stack, tensors) if stack.patches else tensors


def planned_tensors(stack: Stack) -> list[OutputTensor]:
    """The same without patches."""
    return [
        *_end_tensors(stack, stack.embedding, End.EMBEDDING),
        *(tensor for number, visit in enumerate(stack.visits) for tensor in _layer_tensors(stack, number, visit)),
        *_trailing_tensors(stack),
        *_end_tensors(stack, stack.head, End.HEAD),
        *_untied_head(stack),
        *_end_tensors(stack, Donor(stack.config_donor), End.CARRIED),
    ]


def _patched(stack: Stack, tensors: list[OutputTensor]) -> list[OutputTensor]:
    """`tensors` with those that a patch replaces. Patch tensors that fit nothing are reported by rule `patches`."""
    patches = applied(stack.patches)
    if is_tied(stack):
        patches |= _of_stored_head(tensors, patches)
    return [
        _replaced(tensor, patch) if (patch := patches.get(tensor.name)) and patch.shape == tensor.shape else tensor
        for tensor in tensors
    ]


def _of_stored_head(tensors: list[OutputTensor], patches: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The patch of the embeddings for a tied head that is stored as well: both stay equal."""
    names = [tensor.name for tensor in tensors]
    embedding = next((name for name in names if is_token_embedding(name) and name in patches), None)
    heads = [name for name in names if is_output_head(name) and name.endswith("weight")]
    return dict.fromkeys(heads, patches[embedding]) if embedding else {}


def _replaced(tensor: OutputTensor, patch: StoredTensor) -> OutputTensor:
    """A patch is written in the dtype of the tensor that it replaces."""
    return tensor._replace(pieces=(patch,), operation=operation_on(patch.dtype, tensor.dtype, tensor.dtype, None))


def output_config(stack: Stack) -> ConfigEdit:
    """The config.json of the new checkpoint. Raises CheckpointError when no config of the family describes it."""
    visits = [(visit.checkpoint.config, visit.layer) for visit in stack.visits]
    return edited_config(stack.config_donor.config, visits, config_overrides(stack), origins_of(stack))


def origins_of(stack: Stack) -> Origins:
    """Origins of the layers, with the names of all tensors; the config's donor comes first."""
    order = tuple(dict.fromkeys([stack.config_donor, *(visit.checkpoint for visit in stack.visits)]))
    sources = order if stack.head.checkpoint in order else (*order, stack.head.checkpoint)
    numbers = {id(checkpoint): number for number, checkpoint in enumerate(sources)}
    visits = tuple((numbers[id(visit.checkpoint)], visit.layer) for visit in stack.visits)
    modules = tuple(modules_of(checkpoint) for checkpoint in sources)
    return Origins(modules, visits, numbers[id(stack.head.checkpoint)])


def config_overrides(stack: Stack) -> dict[tuple[str, ...], Any]:
    """Values of config.json that differ from the donor's, apart from per-layer keys: key path to value."""
    config = stack.config_donor.config
    overrides: dict[tuple[str, ...], Any] = {}
    if is_tied(stack) != _ties(stack.config_donor):
        overrides[("tie_word_embeddings",)] = is_tied(stack)
    written = stack.out_dtype or stack.dtype
    for key in ("dtype", "torch_dtype"):
        if written and key in config.data and config.data[key] != CONFIG_DTYPES[written]:
            overrides[(key,)] = CONFIG_DTYPES[written]
    return overrides


def is_tied(stack: Stack) -> bool:
    """Return True if the new model's language head is its embedding matrix."""
    return stack.head.checkpoint is stack.embedding.checkpoint and _ties(stack.head.checkpoint)


def layer_scalings(visit: Visit) -> dict[str, Scaling]:
    """Suffix to scaling, for the tensors of a visit that are changed.

    A factor on a projection whose output a norm rescales would be undone by that norm; it goes onto the norm's
    effective gain instead, unless the plan scales that norm itself.
    """
    factors = {suffix: factor for part in visit.parts if part.levels for suffix, factor in _factors(part)}
    return _behind_norms(visit.checkpoint, visit.layer, factors) if factors else {}


def _factors(part: Part) -> Iterator[tuple[str, float]]:
    """Suffix and factor of the tensors of a part that its scale settings change."""
    for suffix in part.suffixes:
        factor = factor_of(part.levels, part.checkpoint.anatomy.layer_tensor(part.layer, suffix))
        if factor is not None and factor != 1.0:
            yield suffix, factor


def _behind_norms(checkpoint: Checkpoint, layer: int, factors: Mapping[str, float]) -> dict[str, Scaling]:
    scalings = {suffix: Scaling(factor) for suffix, factor in factors.items()}
    writers_of: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for writer, norm in norms_after(checkpoint, layer).items():
        writers_of[norm].append(writer)
    for norm, writers in writers_of.items():
        different = {factors.get(writer) for writer in writers}
        factor = different.pop()
        if different or factor is None or any(suffix in factors for suffix in norm):
            continue
        for writer in writers:
            del scalings[writer]
        for suffix in norm:
            scalings[suffix] = Scaling(factor, gain_offset(checkpoint) if suffix.endswith("weight") else 0.0)
    return scalings


def _layer_tensors(stack: Stack, number: int, visit: Visit) -> Iterator[OutputTensor]:
    prefix = stack.config_donor.anatomy.layer_prefix
    scalings = layer_scalings(visit) if visit.is_scaled else {}
    for part in visit.parts:
        for suffix, tensor in _part_tensors(part):
            yield _output(stack, part.checkpoint, f"{prefix}{number}.{suffix}", tensor, scalings.get(suffix))


def _part_tensors(part: Part) -> Iterator[tuple[str, StoredTensor]]:
    """Suffix and stored tensor of everything that a part gives."""
    suffixes = part.checkpoint.anatomy.layers[part.layer]
    tensors = zip(suffixes, part.checkpoint.layer_tensors(part.layer), strict=True)
    given = suffixes if part.gives_all else set(part.suffixes)
    return ((suffix, tensor) for suffix, tensor in tensors if given is suffixes or suffix in given)


def _trailing_tensors(stack: Stack) -> Iterator[OutputTensor]:
    """Multi-token prediction layers keep their place after the last decoder layer."""
    checkpoint = stack.head.checkpoint
    anatomy = checkpoint.anatomy
    prefix = stack.config_donor.anatomy.layer_prefix
    for offset, suffixes in enumerate(anatomy.trailing):
        for suffix in suffixes:
            source = checkpoint.tensors[anatomy.layer_tensor(checkpoint.layer_count + offset, suffix)]
            name = f"{prefix}{len(stack.visits) + offset}.{suffix}"
            yield _output(stack, checkpoint, name, source, None)


def _end_tensors(stack: Stack, donor: Donor, end: End) -> Iterator[OutputTensor]:
    checkpoint = donor.checkpoint
    for name in checkpoint.anatomy.names_of_end(end):
        new_name = renamed(name, checkpoint.anatomy.parent, stack.config_donor.anatomy.parent)
        yield _output(stack, checkpoint, new_name, checkpoint.tensors[name], _plain_scaling(donor.levels, name))


def _untied_head(stack: Stack) -> Iterator[OutputTensor]:
    """The language head of a last slice that is tied to an embedding matrix other than the first slice's."""
    donor = stack.head
    if is_tied(stack) or not _ties(donor.checkpoint) or _head_name(donor.checkpoint):
        return
    embedding = next(name for name in donor.checkpoint.anatomy.names_of_end(End.EMBEDDING) if is_token_embedding(name))
    name = _head_name(stack.config_donor) or "lm_head.weight"
    source = donor.checkpoint.tensors[embedding]
    yield _output(stack, donor.checkpoint, name, source, _plain_scaling(donor.levels, embedding))


def _ties(checkpoint: Checkpoint) -> bool:
    tied = checkpoint.config.ties_embeddings
    return _head_name(checkpoint) is None if tied is None else tied


def _head_name(checkpoint: Checkpoint) -> str | None:
    """The name of the language head's weight, None where the file has none."""
    names = checkpoint.anatomy.names_of_end(End.HEAD)
    return next((name for name in names if is_output_head(name) and name.endswith("weight")), None)


def renamed(name: str, parent: str, new_parent: str) -> str:
    """Checkpoints of one family may differ in the prefix of their decoder ("transformer.h" against "h").

    The language head is never inside the decoder.
    """
    if parent == new_parent or is_output_head(name) or not name.startswith(parent):
        return name
    rest = name[len(parent) :].lstrip(".")
    return f"{new_parent}.{rest}" if new_parent else rest


def _plain_scaling(levels: tuple[FactorLevel, ...], name: str) -> Scaling | None:
    factor = factor_of(levels, name)
    return None if factor in (None, 1.0) else Scaling(factor)


def _output(
    stack: Stack, checkpoint: Checkpoint, name: str, source: StoredTensor, scaling: Scaling | None
) -> OutputTensor:
    work, written = cast_dtypes(stack, checkpoint, source)
    operation = operation_on(source.dtype, work, written, scaling)
    pieces = () if isinstance(operation, Fill) else (source,)
    return OutputTensor(name, source.shape, written, pieces, operation)


def operation_on(stored: str, work: str, written: str, scaling: Scaling | None) -> Operation:
    """The operation on a tensor stored as one dtype, computed in a second and written as a third.

    A factor of 0 gives a constant, whatever is stored; a cast to a wider dtype and back changes nothing.
    """
    if scaling is not None:
        return Fill(-scaling.offset) if _is_constant(scaling, written) else Scale(scaling, work)
    return Copy() if stored == written and work in (stored, "F32", "F64") else Cast(work)


def _is_constant(scaling: Scaling, dtype: str) -> bool:
    if scaling.factor != 0:
        return False
    return dtype in FLOAT_DTYPES or (dtype in FLOAT8_DTYPES and scaling.offset == 0)


def cast_dtypes(stack: Stack, checkpoint: Checkpoint, source: StoredTensor) -> tuple[str, str]:
    """Dtype that a tensor of `checkpoint` is scaled in, and dtype that it is written in."""
    if not stack.casts or source.dtype not in FLOAT_DTYPES:
        return source.dtype, source.dtype
    if not stack.casts_all and checkpoint.precision.keeps(source):
        return source.dtype, source.dtype
    work = stack.dtype or source.dtype
    return work, stack.out_dtype or work
