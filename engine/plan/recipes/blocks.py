"""Blocks of layers that recipes repeat, scale or drop, and scale settings for them.

mergekit matches a filter as a substring of the tensor's name, so a filter that is right for one family scales too much
in another: filters are derived from the names of the checkpoint. Modules of the same name in a vision or audio tower do
not count, because no slice reaches them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import residual_writers
from engine.errors import CheckpointError, UsageError
from engine.plan.recipes.text import Scale

Block: TypeAlias = tuple[int, int]
"""Layers [start, end)."""


def require_block(checkpoint: Checkpoint, block: Block) -> None:
    """Raise UsageError if the block is empty or outside the checkpoint."""
    start, end = block
    layers = checkpoint.layer_count
    if not 0 <= start < end <= layers:
        raise UsageError(
            f"[{start}, {end}) is not a block of layers",
            why=f"{checkpoint.reference} has layers 0 to {layers - 1}",
            fix="Use START:END with an exclusive end.",
        )


def runs_of(block: Block, length: int) -> Iterator[Block]:
    """Yield the block in runs of `length` layers; the last run may be shorter."""
    start, end = block
    for first in range(start, end, length):
        yield first, min(first + length, end)


def middle(layers: int) -> Block:
    """Return the middle half of the layers, the usual choice for repeats."""
    return layers // 4, layers - layers // 4


def tunguskas_block(layers: int) -> Block:
    """Return the block that BA-Zephyria-39b repeats, layers 19 to 40 of 56, scaled to the depth."""
    start = min(round(layers * 19 / 56), layers - 1)
    return start, max(start + 1, round(layers * 41 / 56))


def require_copies(copies: int) -> None:
    """Raise UsageError for fewer than one copy."""
    if copies < 1:
        raise UsageError(f"{copies} copies add nothing", fix="Use 1 copy or more.")


def require_run(length: int) -> None:
    """Raise UsageError for runs without a layer."""
    if length < 1:
        raise UsageError(f"layers cannot be repeated in runs of {length}", fix="Use runs of 1 layer or more.")


def layers_for_growth(checkpoint: Checkpoint, share: float) -> int:
    """Return the number of layers that add about `share` of the checkpoint's bytes; at least one."""
    layer_bytes = sum(tensor.nbytes for tensor in checkpoint.layer_tensors(checkpoint.layer_count // 2))
    return max(1, round(share * checkpoint.nbytes / layer_bytes))


def writer_scales(checkpoint: Checkpoint, block: Block, factor: float) -> tuple[Scale, ...]:
    """Return scales for everything in these layers that writes into the residual stream.

    Raises CheckpointError for a family whose residual writers are unknown.
    """
    filters = filters_for(checkpoint, block, lambda layer: residual_writers(checkpoint, layer))
    return tuple((pattern, factor) for pattern in filters)


def zeroing(checkpoint: Checkpoint, block: Block) -> tuple[Scale, ...]:
    """Return scales that make these layers inert. Raises CheckpointError like `writer_scales`."""
    return writer_scales(checkpoint, block, 0.0)


def filters_for(checkpoint: Checkpoint, block: Block, suffixes_of: Callable[[int], Iterable[str]]) -> tuple[str, ...]:
    """Return the shortest filters that together match exactly the selected tensors of these layers.

    `suffixes_of` returns the selected suffixes of a layer. Raises CheckpointError if no filter matches a tensor alone.
    """
    selected: dict[str, None] = {}
    others = set(checkpoint.anatomy.scalable_ends)
    for layer in range(*block):
        chosen = set(suffixes_of(layer))
        selected |= dict.fromkeys(sorted(chosen))
        others |= set(checkpoint.anatomy.layers[layer]) - chosen
    return tuple(dict.fromkeys(_shortest_filter(suffix, others) for suffix in selected))


def _shortest_filter(suffix: str, others: set[str]) -> str:
    """Return the module's name, with as many parents as needed to match no other tensor."""
    modules = suffix.removesuffix(".weight").removesuffix(".bias").split(".")
    for length in range(1, len(modules) + 1):
        shortest = ".".join(modules[-length:])
        for candidate in (shortest, f"{shortest}."):
            if not candidate.startswith(tuple("0123456789")) and not any(candidate in other for other in others):
                return candidate
    raise CheckpointError(f"no filter matches {suffix} without the layer's other tensors")


# Queries and keys: the sharpness of attention


_QUERY_OR_KEY = re.compile(r"(^|\.)([qk])_proj\.(weight|bias)$")
_NORM_OF_QUERY_OR_KEY = re.compile(r"(^|\.)[qk]_?(layer)?norm\.")
_NORM_KEYS = ("use_qk_norm", "qk_layernorm", "qk_layernorms", "use_qk_layernorm")
"""Config keys that normalise queries and keys, some without a tensor."""


def attention_scales(checkpoint: Checkpoint, block: Block, factor: float) -> tuple[Scale, ...]:
    """Return scales of `factor` for queries and for keys of these layers, which scales their product by its square.

    Raises CheckpointError if they are not separate tensors, or a norm after them would undo the scale.
    """
    filters = filters_for(checkpoint, block, lambda layer: _queries_and_keys(checkpoint, layer))
    return tuple((pattern, factor) for pattern in filters)


def _queries_and_keys(checkpoint: Checkpoint, layer: int) -> Iterable[str]:
    suffixes = checkpoint.anatomy.layers[layer]
    letters = {suffix: match[2] for suffix in suffixes if (match := _QUERY_OR_KEY.search(suffix))}
    if set(letters.values()) != {"q", "k"}:
        raise _not_possible(checkpoint, layer, "its queries and keys are not separate tensors")
    normed = any(map(_NORM_OF_QUERY_OR_KEY.search, suffixes)) or any(map(checkpoint.config.decoder.get, _NORM_KEYS))
    if normed:
        raise _not_possible(checkpoint, layer, "a norm follows its queries and keys and would undo the scale")
    return letters


def _not_possible(checkpoint: Checkpoint, layer: int, why: str) -> CheckpointError:
    return CheckpointError(
        f"the attention of layer {layer} of {checkpoint.reference} cannot be scaled",
        why=why,
        fix="Damp only the residual (scaled: residual).",
    )
