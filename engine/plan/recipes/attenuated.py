"""attenuated: layers visited n times, every visit damped so that together they weigh as much as one.

Two conventions, after what n copies write into the residual stream: where it is uncorrelated, sqrt(1/n) of it and
(1/n)^(1/4) of queries and keys each; where it is the same, 1/n and sqrt(1/n). For twofold repeats that is 0.7071 and
0.8409 (Deep-Miqu-103B), or 0.5 and 0.7071 (the latter alone: miqu-a0, and kuotient's Llama 3). Their makers found the
results slightly better; nobody has published a measurement.
Source: jukofyork in mergekit issue 198.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block, middle, require_block, require_run, runs_of
from engine.plan.recipes.scales import attention_scales, writer_scales
from engine.plan.recipes.text import Scale, SliceText, layers_in_words, plan_text


class Convention(StrEnum):
    """What is assumed of the visits' contributions."""

    UNCORRELATED = "uncorrelated"
    CORRELATED = "correlated"


class Scaled(StrEnum):
    """Which tensors are damped."""

    BOTH = "both"
    RESIDUAL = "residual"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Options:
    """What to repeat, and how it is damped."""

    layers: Block | None = None
    """The layers to repeat, END exclusive; default: all but a quarter at either end (8:24 of 32)."""
    times: int = 2
    """How many visits of each layer in all."""
    run: int = 1
    """How many layers are repeated together: 1 repeats every layer in place."""
    convention: Convention = Convention.UNCORRELATED
    """What is assumed of the visits: uncorrelated damps less, correlated more."""
    scaled: Scaled = Scaled.BOTH
    """Which tensors: those that write to the residual stream, queries and keys of the attention, or both."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for layers that are not there, CheckpointError for a family whose tensors
    cannot be scaled like that."""
    layers = checkpoint.layer_count
    block = options.layers or middle(layers)
    require_block(checkpoint, block)
    require_run(options.run)
    if options.times < 2:
        raise UsageError(f"{options.times} visits of a layer are no repeat", fix="Ask for 2 visits or more.")
    grown = layers + (block[1] - block[0]) * (options.times - 1)
    title = [
        f"Visits {layers_in_words(*block)} of {checkpoint.reference} {options.times} times, damped: "
        f"{layers} layers become {grown}.",
        f"Scales for {options.convention} visits: "
        f"{residual_scale(options):.4g} on the residual, {attention_scale(options):.4g} on queries and keys.",
    ]
    return plan_text(title, checkpoint.reference, _slices(checkpoint, block, options))


def residual_scale(options: Options) -> float:
    """Factor on what each visit writes into the residual stream."""
    if options.scaled is Scaled.ATTENTION:
        return 1.0
    share = 1 / options.times
    return float(share if options.convention is Convention.CORRELATED else share**0.5)


def attention_scale(options: Options) -> float:
    """Factor on queries and keys, each."""
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
