"""graft: layers or tensors of one checkpoint in another of the same family and shape.

Question: does a finetune recover what it lost if the layers that training moved most are put back? The plan is
mergekit's `linear` with weights 0 and 1, which chooses a source for each tensor; passthrough can choose only whole
layers, and would also take the embeddings or the head along with the first and the last of them.
Source: TheDrummer's write-up of Tunguska-39B, which asks it of the first two layers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError, shown
from engine.plan.recipes.blocks import Block, filters_for, require_block
from engine.plan.recipes.text import GraftText, graft_plan_text, layers_in_words

_USUAL = 2
"""Number of layers that the write-up asks about."""
Cells: TypeAlias = Mapping[int, frozenset[str]]
"""Tensors to take, by their names within the layer, for each layer."""


@dataclass(frozen=True, slots=True)
class Options:
    """Giver, layers and tensors."""

    other: Annotated[Checkpoint, "Checkpoint that gives the layers, of the same family and shape."]
    layers: Annotated[tuple[Block, ...], "Layers to take from it, ENDs exclusive (default: the first two)."] = ()
    tensors: Annotated[tuple[str, ...], "Tensors to take, by parts of their names (default: all)."] = ()


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text.

    Raises UsageError for layers outside the model, tensors that no layer has, and checkpoints of different depth or
    shape.
    """
    blocks = options.layers or ((0, min(_USUAL, checkpoint.layer_count)),)
    for block in blocks:
        require_block(checkpoint, block)
    layers = sorted({layer for block in blocks for layer in range(*block)})
    return write_cells(
        checkpoint, options.other, {layer: _chosen(checkpoint, layer, options.tensors) for layer in layers}
    )


def write_cells(checkpoint: Checkpoint, other: Checkpoint, cells: Cells) -> str:
    """Return the plan that takes these tensors from `other`. Raises UsageError like `write`."""
    _require_same_shape(checkpoint, other, cells)
    count = sum(map(len, cells.values()))
    title = [
        f"{count} tensors of {len(cells)} layers of {other.reference} in {checkpoint.reference}.",
        "Each tensor comes from one source: the weights are 0 and 1.",
    ]
    return graft_plan_text(title, checkpoint.reference, other.reference, _slices(checkpoint, cells))


def _chosen(checkpoint: Checkpoint, layer: int, tensors: Sequence[str]) -> frozenset[str]:
    suffixes = checkpoint.anatomy.layers[layer]
    for name in tensors:
        if not any(name in suffix for suffix in suffixes):
            known = ", ".join(dict.fromkeys(suffix.rpartition(".")[0] for suffix in suffixes))
            raise UsageError(f"layer {layer} has no tensor {shown(name)}", fix=f"Choose among {known}.")
    return frozenset(suffix for suffix in suffixes if not tensors or any(name in suffix for name in tensors))


def _require_same_shape(checkpoint: Checkpoint, other: Checkpoint, cells: Cells) -> None:
    names = shown(checkpoint.reference), shown(other.reference)
    if checkpoint.layer_count != other.layer_count:
        why = f"{names[0]} has {checkpoint.layer_count} layers, {names[1]} has {other.layer_count}"
        raise UsageError(f"{names[1]} cannot be grafted into {names[0]}", why=why, fix="Use checkpoints of one depth.")
    for layer, suffixes in cells.items():
        ours, theirs = (_shapes(each, layer) for each in (checkpoint, other))
        for suffix in sorted(suffixes):
            if theirs.get(suffix) != ours[suffix]:
                why = (
                    f"{shown(suffix)} of layer {layer} is {theirs.get(suffix) or 'missing'} there, {ours[suffix]} here"
                )
                fix = "Use checkpoints of one family and width."
                raise UsageError(f"{names[1]} cannot be grafted into {names[0]}", why=why, fix=fix)


def _shapes(checkpoint: Checkpoint, layer: int) -> dict[str, tuple[int, ...]]:
    tensors = zip(checkpoint.anatomy.layers[layer], checkpoint.layer_tensors(layer), strict=True)
    return {suffix: tensor.shape for suffix, tensor in tensors}


def _slices(checkpoint: Checkpoint, cells: Cells) -> Iterator[GraftText]:
    """Yield a slice for each run of layers of which the same tensors are taken."""
    nothing: frozenset[str] = frozenset()
    for suffixes, run in groupby(range(checkpoint.layer_count), key=lambda layer: cells.get(layer, nothing)):
        layers = list(run)
        block = (layers[0], layers[-1] + 1)
        yield GraftText(*block, layers_in_words(*block), _filters(checkpoint, block, suffixes))


def _filters(checkpoint: Checkpoint, block: Block, suffixes: frozenset[str]) -> tuple[str, ...]:
    """Return filters of these tensors; whole layers have the prefix that all layers share."""
    if suffixes and all(suffixes == frozenset(checkpoint.anatomy.layers[layer]) for layer in range(*block)):
        return (checkpoint.anatomy.layer_prefix,)
    return filters_for(checkpoint, block, lambda _layer: suffixes) if suffixes else ()
