"""Filters for the scale settings of a plan: the shortest texts that match the tensors meant, and no other.

mergekit matches a filter as a part of the tensor's name, so what is short and right for one family scales too much
in another: they are derived from the names of the checkpoint. Modules of the same name in a vision or audio tower do
not count: no slice reaches them, neither here nor in mergekit, where each of the `modules` has slices of its own.
"""

from collections.abc import Callable, Iterable

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import residual_writers
from engine.errors import CheckpointError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.text import Scale


def writer_scales(checkpoint: Checkpoint, block: Block, factor: float) -> tuple[Scale, ...]:
    """Scales everything in these layers that writes into the residual stream.

    Raises CheckpointError for a family whose residual writers are not known.
    """
    filters = filters_for(checkpoint, block, lambda layer: residual_writers(checkpoint, layer))
    return tuple((wanted, factor) for wanted in filters)


def silencing(checkpoint: Checkpoint, block: Block) -> tuple[Scale, ...]:
    """Scales that make these layers inert: they pass their input on. Raises CheckpointError as `writer_scales`."""
    return writer_scales(checkpoint, block, 0.0)


def filters_for(checkpoint: Checkpoint, block: Block, wanted_of: Callable[[int], Iterable[str]]) -> tuple[str, ...]:
    """The shortest filters that together match the wanted tensors of these layers, and nothing else a slice gives.

    `wanted_of` gives the suffixes of a layer. Raises CheckpointError when no filter tells one from the others.
    """
    wanted: dict[str, None] = {}
    others = set(checkpoint.anatomy.scalable_ends)
    for layer in range(*block):
        chosen = set(wanted_of(layer))
        wanted |= dict.fromkeys(sorted(chosen))
        others |= set(checkpoint.anatomy.layers[layer]) - chosen
    return tuple(dict.fromkeys(_shortest_filter(suffix, others) for suffix in wanted))


def _shortest_filter(suffix: str, others: set[str]) -> str:
    """The module's name, with as many parents before it as it takes to match no other tensor."""
    modules = suffix.removesuffix(".weight").removesuffix(".bias").split(".")
    for length in range(1, len(modules) + 1):
        shortest = ".".join(modules[-length:])
        for candidate in (shortest, f"{shortest}."):
            if not candidate.startswith(tuple("0123456789")) and not any(candidate in other for other in others):
                return candidate
    raise CheckpointError(f"no filter tells {suffix} from the layer's other tensors")
