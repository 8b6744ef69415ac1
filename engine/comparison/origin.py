"""The layers that an unknown stack was made of, read off its weights.

Samples of all tensors are correlated with those of the bases' layers: layers of one model do not correlate (cosine
below 0.06), a copy does even after training. What is stored byte for byte, zeroed or scaled is recognised exactly.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import numpy as np

from engine.checkpoint.anatomy import End
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.residual import gain_offset, norms_after
from engine.comparison.elements import Array, Buffer, has_values
from engine.comparison.ends import Ends, ends_of
from engine.comparison.exact import factor_of
from engine.comparison.samples import ELEMENTS, cosines, sample
from engine.errors import CheckpointError, DlecError, shown
from engine.plan.outputs import CONFIG_DTYPES
from engine.plan.recipes.blocks import filters_for
from engine.plan.recipes.text import Scale, SliceText, layers_in_words, plan_text
from engine.protocol import Report, no_report
from engine.units import plural

SMALLEST_COSINE = 0.1
"""Mean cosine from which on a layer counts as made from another. Different layers of one model stay below 0.02."""
SMALLEST_MARGIN = 0.05
"""Difference to the next best layer from which on an origin counts as sure."""
_ELEMENTS_OF_LAYER = 64 * 1024
"""Maximum number of sampled elements of a layer: layers of many experts are sampled more thinly."""


class Evidence(StrEnum):
    """Why a layer is attributed to another."""

    IDENTICAL = "identical"
    """Every tensor is stored byte for byte, zeroed or scaled."""
    PARTLY_IDENTICAL = "partly identical"
    """Some tensors are; the others correlate."""
    CORRELATION = "correlation"
    NONE = "none"


class Source(NamedTuple):
    """One layer of one base."""

    base: Checkpoint
    layer: int


@dataclass(frozen=True, slots=True)
class LayerOrigin:
    """Origin of one layer."""

    layer: int
    source: Source | None
    """None if no layer of the bases is its origin."""
    scales: Mapping[str, float]
    """Factor of each tensor that is zeroed or scaled, by its name within the layer."""
    evidence: Evidence
    cosine: float
    """Mean cosine of the matrices with those of the origin, zeroed ones left out; 1.0 for a copy."""
    margin: float
    """Difference of the cosine to that of the next best layer."""
    changed: tuple[str, ...] = ()
    """Names within the layer of tensors that are neither copied nor scaled."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of a checkpoint: its layers, and a plan."""

    checkpoint: Checkpoint
    layers: tuple[LayerOrigin, ...]
    changed: tuple[str, ...]
    """Names of the tensors outside the layers that correlate with those of a base, but are not identical."""
    unexplained: tuple[str, ...]
    """Names of the other tensors outside the layers, and of all tensors of layers without an origin."""
    plan: str
    """Text of a plan; "" if a layer has no origin."""

    @property
    def is_exact(self) -> bool:
        """Return True if the plan gives every tensor byte for byte."""
        return not (self.changed or self.unexplained) and all(
            layer.evidence is Evidence.IDENTICAL for layer in self.layers
        )


@dataclass(frozen=True)
class _Search:
    """The bases' layers, and memory for pieces."""

    candidates: tuple[Source, ...]
    buffers: tuple[Buffer, Buffer] = field(default_factory=lambda: (Buffer(), Buffer()))


def origin(checkpoint: Checkpoint, bases: Sequence[Checkpoint], report: Report = no_report) -> Origin:
    """Find the origin of each layer of `checkpoint` among the layers of `bases`.

    Raises CheckpointError if a file has shrunk, MachineError if one cannot be read.
    """
    search = _Search(tuple(Source(base, layer) for base in bases for layer in range(base.layer_count)))
    scores = _scores(checkpoint, search)
    layers: list[LayerOrigin] = []
    for number in range(checkpoint.layer_count):
        report(number, checkpoint.layer_count, f"layer {number}")
        layers.append(_origin_of(checkpoint, number, scores[number], search, layers[-1] if layers else None))
    first, last = (each.source.base if each.source else bases[0] for each in (layers[0], layers[-1]))
    preferred = {End.EMBEDDING: first, End.HEAD: last, End.CARRIED: first}
    ends = ends_of(checkpoint, preferred, bases, search.buffers)
    unexplained = (*ends.unexplained, *_unexplained_layers(checkpoint, layers))
    return Origin(checkpoint, tuple(layers), ends.changed, unexplained, _plan(checkpoint, layers, ends))


def plan_by_weights(checkpoint: Checkpoint, base: Checkpoint) -> str:
    """Return the plan that made `checkpoint` of `base`. Raises CheckpointError if the weights do not say."""
    made_of = origin(checkpoint, [base])
    if made_of.plan:
        return made_of.plan
    strangers = sum(layer.evidence is Evidence.NONE for layer in made_of.layers)
    raise CheckpointError(
        f"{shown(checkpoint.reference)} is not a stack of {shown(base.reference)}",
        why=f"{strangers} of its {plural(len(made_of.layers), 'layer')} correlate with no layer of it",
        fix="Give the plan with --plan, or choose --pair position.",
    )


# Correlation


def _scores(checkpoint: Checkpoint, search: _Search) -> Array:
    """Mean cosine of each layer [layers, candidates] over its matrices; -1 where nothing can be compared."""
    own = _samples(checkpoint, range(checkpoint.layer_count), search.buffers[0])
    theirs: dict[str, list[tuple[int, Array]]] = defaultdict(list)
    for base in dict.fromkeys(candidate.base for candidate in search.candidates):
        at = next(i for i, candidate in enumerate(search.candidates) if candidate.base is base)
        for suffix, rows in _samples(base, range(base.layer_count), search.buffers[1]).items():
            theirs[suffix] += [(at + layer, values) for layer, values in rows]
    total = np.zeros((checkpoint.layer_count, len(search.candidates)))
    count = np.zeros_like(total)
    for suffix, rows in own.items():
        _add_cosines(total, count, rows, theirs.get(suffix, []))
    return np.divide(total, count, out=np.full_like(total, -1.0), where=count > 0)


def _add_cosines(total: Array, count: Array, own: list[tuple[int, Array]], theirs: list[tuple[int, Array]]) -> None:
    """Add the cosines of one type of tensor. Zeroed tensors say nothing."""
    for length in {len(values) for _, values in own}:
        rows = [(layer, values) for layer, values in own if len(values) == length and values.any()]
        columns = [(at, values) for at, values in theirs if len(values) == length and values.any()]
        if rows and columns:
            at = np.ix_([layer for layer, _ in rows], [candidate for candidate, _ in columns])
            total[at] += cosines(np.stack([each for _, each in rows]), np.stack([each for _, each in columns]))
            count[at] += 1


def _samples(checkpoint: Checkpoint, layers: range, buffer: Buffer) -> dict[str, list[tuple[int, Array]]]:
    """Samples of all matrices of these layers: layer and values by name and shape."""
    samples: dict[str, list[tuple[int, Array]]] = defaultdict(list)
    for layer in layers:
        matrices = [
            (suffix, tensor)
            for suffix, tensor in _tensors(checkpoint, layer).items()
            if len(tensor.shape) > 1 and has_values(tensor.dtype) and tensor.nbytes
        ]
        elements = max(64, min(ELEMENTS, _ELEMENTS_OF_LAYER // max(len(matrices), 1)))
        for suffix, tensor in matrices:
            values = sample(tensor, buffer, elements).astype(np.float32)
            samples[f"{suffix} {tensor.shape}"].append((layer, values))
    return samples


def _tensors(checkpoint: Checkpoint, layer: int) -> dict[str, StoredTensor]:
    return dict(zip(checkpoint.anatomy.layers[layer], checkpoint.layer_tensors(layer), strict=True))


# The origin of one layer


def _origin_of(
    checkpoint: Checkpoint, layer: int, scores: Array, search: _Search, before: LayerOrigin | None
) -> LayerOrigin:
    best, margin = _best(scores, search, before)
    if scores[best] < SMALLEST_COSINE:
        return LayerOrigin(layer, None, {}, Evidence.NONE, max(float(scores[best]), 0.0), margin)
    factors = _factors(checkpoint, layer, search.candidates[best], search.buffers)
    changed = tuple(suffix for suffix, factor in factors.items() if factor is None)
    scales = {suffix: factor for suffix, factor in factors.items() if factor not in (None, 1.0)}
    evidence = (
        Evidence.IDENTICAL
        if not changed
        else Evidence.PARTLY_IDENTICAL
        if len(changed) < len(factors)
        else Evidence.CORRELATION
    )
    cosine = min(float(scores[best]), 1.0)
    return LayerOrigin(layer, search.candidates[best], _known(scales), evidence, cosine, margin, changed)


def _known(scales: Mapping[str, float | None]) -> dict[str, float]:
    return {suffix: factor for suffix, factor in scales.items() if factor is not None}


def _best(scores: Array, search: _Search, before: LayerOrigin | None) -> tuple[int, float]:
    """Return the best candidate and its margin. Of equal ones, that which continues the layer before."""
    order = np.argsort(-scores, kind="stable")
    best = int(order[0])
    equal = [int(each) for each in order if scores[each] >= scores[best] - 1e-6]
    if before and before.source:
        following = Source(before.source.base, before.source.layer + 1)
        best = next((each for each in equal if search.candidates[each] == following), best)
    others = [float(scores[each]) for each in order if each != best]
    return best, float(scores[best]) - max(others, default=0.0)


def _factors(
    checkpoint: Checkpoint, layer: int, source: Source, buffers: tuple[Buffer, Buffer]
) -> dict[str, float | None]:
    """Return the factor of each tensor of a layer; None for one that was changed."""
    theirs = _tensors(source.base, source.layer)
    offset = gain_offset(source.base)
    return {
        suffix: _factor(tensor, theirs.get(suffix), buffers, offset if "norm" in suffix else 0.0)
        for suffix, tensor in _tensors(checkpoint, layer).items()
    }


def _factor(
    tensor: StoredTensor, source: StoredTensor | None, buffers: tuple[Buffer, Buffer], offset: float
) -> float | None:
    if source is None or source.shape != tensor.shape:
        return None
    if not (has_values(tensor.dtype) and has_values(source.dtype)):
        return (
            1.0 if source.dtype == tensor.dtype and source.nbytes == tensor.nbytes and _same(tensor, source) else None
        )
    return factor_of(tensor, source, buffers, offset)


def _same(one: StoredTensor, other: StoredTensor) -> bool:
    """Compare packed tensors as bytes."""
    own, theirs = (each._replace(dtype="U8", shape=(each.nbytes,)) for each in (one, other))
    return factor_of(own, theirs, (Buffer(), Buffer())) == 1.0


def _unexplained_layers(checkpoint: Checkpoint, layers: Sequence[LayerOrigin]) -> Iterator[str]:
    for layer in layers:
        if layer.evidence is Evidence.NONE:
            yield from (tensor.name for tensor in checkpoint.layer_tensors(layer.layer))


# The plan


def _plan(checkpoint: Checkpoint, layers: Sequence[LayerOrigin], ends: Ends) -> str:
    sources = [layer.source for layer in layers if layer.source]
    if len(sources) < len(layers):
        return ""
    slices = list(_slices(layers, sources))
    embedding, head = ends.donors[End.EMBEDDING].reference, ends.donors[End.HEAD].reference
    if slices[0].model != embedding:
        slices.insert(0, SliceText(0, 0, "embeddings", model=embedding))
    if slices[-1].model != head:
        slices.append(SliceText(0, 0, "final norm and head", model=head))
    names = ", ".join(dict.fromkeys(each.model for each in slices))
    title = [f"Layers of {checkpoint.reference}, by its weights: {len(layers)} layers of {names}."]
    return plan_text(title, ends.donors[End.CARRIED].reference, slices) + _dtype(checkpoint, sources)


def _dtype(checkpoint: Checkpoint, sources: Sequence[Source]) -> str:
    """Return the line of a plan that casts the bases to the dtype of the checkpoint; "" if they have it."""
    own = checkpoint.precision.main
    is_cast = own in CONFIG_DTYPES and any(source.base.precision.main != own for source in sources)
    return f"dtype: {CONFIG_DTYPES[own]}\n" if own and is_cast else ""


def _slices(layers: Sequence[LayerOrigin], sources: Sequence[Source]) -> Iterator[SliceText]:
    """Yield a slice for each run of consecutive layers of one base with equal scales."""
    start = 0
    for end in range(1, len(layers) + 1):
        if end == len(layers) or not _continues(layers, sources, end):
            yield _slice(layers[start:end], sources[start])
            start = end


def _continues(layers: Sequence[LayerOrigin], sources: Sequence[Source], at: int) -> bool:
    following = Source(sources[at - 1].base, sources[at - 1].layer + 1)
    return sources[at] == following and layers[at].scales == layers[at - 1].scales


def _slice(run: Sequence[LayerOrigin], source: Source) -> SliceText:
    block = (source.layer, source.layer + len(run))
    comment = f"new {layers_in_words(run[0].layer, run[-1].layer + 1)}, {_evidence(run)}"
    return SliceText(*block, comment, _scales(source.base, block, run[0].scales), source.base.reference)


def _evidence(run: Sequence[LayerOrigin]) -> str:
    kinds = {layer.evidence for layer in run}
    return "identical" if kinds == {Evidence.IDENTICAL} else f"cosine {min(layer.cosine for layer in run):.3f}"


def _scales(base: Checkpoint, block: tuple[int, int], factors: Mapping[str, float]) -> tuple[Scale, ...]:
    """Return filters that scale these tensors and no others; a norm's gain is scaled through what writes before it."""
    scales: list[Scale] = []
    for factor in dict.fromkeys(factors.values()):
        chosen = {suffix for suffix, each in factors.items() if each == factor}
        suffixes = partial(_suffixes, _through_writers(base, block[0], chosen))
        scales += [(pattern, factor) for pattern in filters_for(base, block, suffixes)]
    return tuple(scales)


def _suffixes(chosen: set[str], _layer: int) -> set[str]:
    return chosen


def _through_writers(base: Checkpoint, layer: int, chosen: set[str]) -> set[str]:
    """Replace the norms after residual writers by the writers: the plan says these, a merge scales the norms."""
    try:
        norms = norms_after(base, layer)
    except DlecError:
        return chosen
    writers = {writer for writer, norm in norms.items() if norm and set(norm) <= chosen}
    scaled_norms = {suffix for writer in writers for suffix in norms[writer]}
    return (chosen - scaled_norms) | writers
