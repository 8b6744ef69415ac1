"""attenuated: layers visited n times, each visit damped so that together they have the weight of one.

Two conventions, by the correlation of what the n visits write into the residual stream: uncorrelated visits are scaled
by sqrt(1/n), and queries and keys by (1/n)^(1/4) each; correlated visits by 1/n and sqrt(1/n). For two visits that is
0.7071 and 0.8409 (Deep-Miqu-103B), or 0.5 and 0.7071 (the latter alone: miqu-a0, and kuotient's Llama 3). The authors
found the results slightly better; no measurement is published.
Source: jukofyork in mergekit issue 198.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import (
    Block,
    attention_scales,
    middle,
    require_block,
    require_run,
    runs_of,
    writer_scales,
)
from engine.plan.recipes.text import Scale, SliceText, layers_in_words, plan_text


class Convention(StrEnum):
    """Assumed correlation of the visits' contributions."""

    UNCORRELATED = "uncorrelated"
    CORRELATED = "correlated"


class Scaled(StrEnum):
    """Tensors to damp."""

    BOTH = "both"
    RESIDUAL = "residual"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Options:
    """Layers to repeat, and how they are damped."""

    layers: Annotated[
        Block | None, "Layers to repeat, END exclusive (default: all except a quarter at each end, 8:24 of 32)."
    ] = None
    times: Annotated[int, "Total number of visits per layer."] = 2
    run: Annotated[int, "Number of layers repeated together; 1 repeats every layer in place."] = 1
    convention: Annotated[
        Convention, "Assumption about the visits: uncorrelated damps less, correlated damps more."
    ] = Convention.UNCORRELATED
    scaled: Annotated[
        Scaled,
        "Tensors to damp: those that write to the residual stream, queries and keys of the attention, or both.",
    ] = Scaled.BOTH


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text.

    Raises UsageError for layers outside the model, CheckpointError for a family whose tensors cannot be scaled.
    """
    layers = checkpoint.layer_count
    block = options.layers or middle(layers)
    require_block(checkpoint, block)
    require_run(options.run)
    if options.times < 2:
        raise UsageError(f"{options.times} visits per layer are not a repeat", fix="Use 2 visits or more.")
    grown = layers + (block[1] - block[0]) * (options.times - 1)
    title = [
        f"Visits {layers_in_words(*block)} of {checkpoint.reference} {options.times} times, damped: "
        f"{layers} layers become {grown}.",
        f"Scales for {options.convention} visits: "
        f"{residual_scale(options):.4g} on the residual, {attention_scale(options):.4g} on queries and keys.",
    ]
    return plan_text(title, checkpoint.reference, _slices(checkpoint, block, options))


def residual_scale(options: Options) -> float:
    """Return the factor on what each visit writes into the residual stream."""
    if options.scaled is Scaled.ATTENTION:
        return 1.0
    share = 1 / options.times
    return float(share if options.convention is Convention.CORRELATED else share**0.5)


def attention_scale(options: Options) -> float:
    """Return the factor on queries and on keys."""
    if options.scaled is Scaled.RESIDUAL:
        return 1.0
    share = 1 / options.times
    return float(share**0.5 if options.convention is Convention.CORRELATED else share**0.25)


def _slices(checkpoint: Checkpoint, block: Block, options: Options) -> Iterator[SliceText]:
    layers, (start, end) = checkpoint.layer_count, block
    if start:
        yield SliceText(0, start, f"{layers_in_words(0, start)}, once")
    for run in runs_of(block, options.run):
        scales = _scales(checkpoint, run, options)
        for visit in range(options.times):
            yield SliceText(*run, f"{layers_in_words(*run)}{' again' if visit else ''}, damped", scales)
    if end < layers:
        yield SliceText(end, layers, f"{layers_in_words(end, layers)}, once")


def _scales(checkpoint: Checkpoint, run: Block, options: Options) -> tuple[Scale, ...]:
    residual, attention = residual_scale(options), attention_scale(options)
    return (
        *(writer_scales(checkpoint, run, residual) if residual != 1 else ()),
        *(attention_scales(checkpoint, run, attention) if attention != 1 else ()),
    )
