"""llama-pro: block expansion with inert copies, to be trained.

After every group of layers one copy of the group's last layer whose writes into the residual stream are zero: the
new model computes exactly what the base does until the copies are trained.
Source: LLaMA Pro, arXiv 2401.02415.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import residual_writers
from engine.errors import CheckpointError, UsageError
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """How to expand."""

    groups: int
    """How many groups the layers are divided into: as many copies are added."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for a number of groups that does not fit, CheckpointError for a family
    whose residual writers are not known."""
    layers, groups = checkpoint.layer_count, options.groups
    if not 1 <= groups <= layers:
        why = f"{checkpoint.reference} has {layers} layers"
        raise UsageError(f"{groups} groups are not possible", why=why, fix=f"Give --groups 1 to {layers}.")
    title = [
        f"LLaMA Pro expansion of {checkpoint.reference}: {layers} layers become {layers + groups}.",
        "Each copy adds nothing until it is trained. Train the copies, freeze the rest.",
    ]
    return plan_text(title, checkpoint.reference, _slices(checkpoint, groups))


def writer_filters(checkpoint: Checkpoint, layer: int) -> tuple[str, ...]:
    """The shortest mergekit filters that together match the residual writers of a layer and nothing else."""
    writers = set(residual_writers(checkpoint, layer))
    others = set(checkpoint.anatomy.layers[layer]) - writers | set(checkpoint.anatomy.ends)
    return tuple(dict.fromkeys(_shortest_filter(writer, others) for writer in sorted(writers)))


def _slices(checkpoint: Checkpoint, groups: int) -> Iterator[SliceText]:
    layers = checkpoint.layer_count
    ends = [round((group + 1) * layers / groups) for group in range(groups)]
    for start, end in zip([0, *ends], ends, strict=False):
        yield SliceText(start, end, layers_in_words(start, end))
        zeroed = writer_filters(checkpoint, end - 1)
        yield SliceText(end - 1, end, f"inert copy of layer {end - 1}", zeroed)


def _shortest_filter(writer: str, others: set[str]) -> str:
    """The module's name, with as many parents before it as it takes to match no other tensor."""
    modules = writer.removesuffix(".weight").removesuffix(".bias").split(".")
    for length in range(1, len(modules) + 1):
        wanted = ".".join(modules[-length:])
        for candidate in (wanted, f"{wanted}."):
            if not candidate.startswith(tuple("0123456789")) and not any(candidate in other for other in others):
                return candidate
    raise CheckpointError(f"no filter tells {writer} from the layer's other tensors")
