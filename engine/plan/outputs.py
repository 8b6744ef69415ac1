"""The tensors of the model a stack describes: each one's name, source, and what happens to it on the way."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.checkpoint.anatomy import End, is_output_head, is_token_embedding
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.layer_keys import ConfigEdit, edited_config
from engine.checkpoint.layer_names import Origins, modules_of
from engine.checkpoint.precision import FLOAT_DTYPES
from engine.checkpoint.residual import gain_offset, norms_behind
from engine.plan.stack import Donor, FactorLevel, Stack, Visit, factor_of

CONFIG_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True, slots=True)
class Scaling:
    """t becomes factor * (t + offset) - offset: a product, or the gain of a norm that stores gain - 1."""

    factor: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """One tensor of the new checkpoint."""

    name: str
    source: StoredTensor
    dtype: str
    """As written."""
    work_dtype: str
    """In which it is scaled, after a cast on reading."""
    scaling: Scaling | None

    @property
    def is_copy(self) -> bool:
        """True when the bytes stay what they are (a cast to a wider dtype and back changes nothing)."""
        unharmed = self.work_dtype in (self.source.dtype, "F32", "F64")
        return self.scaling is None and self.source.dtype == self.dtype and unharmed


def output_tensors(stack: Stack) -> list[OutputTensor]:
    """Every tensor of the new checkpoint: embeddings, layers from bottom to top, head, the rest."""
    return [
        *_end_tensors(stack, stack.embedding, End.EMBEDDING),
        *(tensor for number, visit in enumerate(stack.visits) for tensor in _layer_tensors(stack, number, visit)),
        *_trailing_tensors(stack),
        *_end_tensors(stack, stack.head, End.HEAD),
        *_untied_head(stack),
        *_end_tensors(stack, Donor(stack.config_donor), End.CARRIED),
    ]


def output_config(stack: Stack) -> ConfigEdit:
    """The config.json of the new checkpoint. Raises CheckpointError when no config of the family describes it."""
    visits = [(visit.checkpoint.config, visit.layer) for visit in stack.visits]
    return edited_config(stack.config_donor.config, visits, config_overrides(stack), origins_of(stack))


def origins_of(stack: Stack) -> Origins:
    """Where the layers come from, with the names of all tensors; the config's donor comes first."""
    order = tuple(dict.fromkeys([stack.config_donor, *(visit.checkpoint for visit in stack.visits)]))
    sources = order if stack.head.checkpoint in order else (*order, stack.head.checkpoint)
    numbers = {id(checkpoint): number for number, checkpoint in enumerate(sources)}
    visits = tuple((numbers[id(visit.checkpoint)], visit.layer) for visit in stack.visits)
    modules = tuple(modules_of(checkpoint) for checkpoint in sources)
    return Origins(modules, visits, numbers[id(stack.head.checkpoint)])


def config_overrides(stack: Stack) -> dict[tuple[str, ...], Any]:
    """What config.json must say differently from the donor's, apart from per-layer keys: key path to value."""
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
    """Whether the new model's language head is its embedding matrix."""
    return stack.head.checkpoint is stack.embedding.checkpoint and _ties(stack.head.checkpoint)


def layer_scalings(visit: Visit) -> dict[str, Scaling]:
    """Suffix to scaling, for the tensors of a visit that are changed.

    A factor on a projection whose output a norm rescales would be undone by that norm; it goes onto the norm's
    effective gain instead, unless the plan scales that norm itself.
    """
    checkpoint, layer = visit.checkpoint, visit.layer
    anatomy = checkpoint.anatomy
    factors = {
        suffix: factor
        for suffix in anatomy.layers[layer]
        if (factor := factor_of(visit.levels, anatomy.layer_tensor(layer, suffix))) not in (None, 1.0)
    }
    return _behind_norms(checkpoint, layer, factors) if factors else {}


def _behind_norms(checkpoint: Checkpoint, layer: int, factors: Mapping[str, float]) -> dict[str, Scaling]:
    scalings = {suffix: Scaling(factor) for suffix, factor in factors.items()}
    writers_of: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for writer, norm in norms_behind(checkpoint, layer).items():
        writers_of[norm].append(writer)
    for norm, writers in writers_of.items():
        wanted = {factors.get(writer) for writer in writers}
        factor = wanted.pop()
        if wanted or factor is None or any(suffix in factors for suffix in norm):
            continue
        for writer in writers:
            del scalings[writer]
        for suffix in norm:
            scalings[suffix] = Scaling(factor, gain_offset(checkpoint) if suffix.endswith("weight") else 0.0)
    return scalings


def _layer_tensors(stack: Stack, number: int, visit: Visit) -> Iterator[OutputTensor]:
    checkpoint = visit.checkpoint
    prefix = stack.config_donor.anatomy.layer_prefix
    scalings = layer_scalings(visit) if visit.levels else {}
    for suffix, tensor in zip(
        checkpoint.anatomy.layers[visit.layer], checkpoint.layer_tensors(visit.layer), strict=True
    ):
        yield _output(stack, checkpoint, f"{prefix}{number}.{suffix}", tensor, scalings.get(suffix))


def _trailing_tensors(stack: Stack) -> Iterator[OutputTensor]:
    """Multi-token prediction layers keep their place behind the last decoder layer."""
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
    """Where the last slice's head is its own embedding matrix and the first slice's is another: write it out."""
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

    The language head stands beside the decoder, never in it.
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
    return OutputTensor(name, source, written, work, scaling)


def cast_dtypes(stack: Stack, checkpoint: Checkpoint, source: StoredTensor) -> tuple[str, str]:
    """In which dtype a tensor of `checkpoint` is scaled, and in which it is written."""
    if not stack.casts or source.dtype not in FLOAT_DTYPES:
        return source.dtype, source.dtype
    if not stack.casts_all and checkpoint.precision.keeps(source):
        return source.dtype, source.dtype
    work = stack.dtype or source.dtype
    return work, stack.out_dtype or work
