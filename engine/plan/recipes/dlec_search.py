"""dlec-search: a beam search for the blocks to repeat and the scale of each repetition.

Layers are added until the budget is used up. The candidates that add n layers are the kept plans with fewer layers,
each with one more repeated block; for every n the best few are kept (1: greedy; more: a beam), so that many small
blocks compete with one large block at equal size. A layer is repeated at most once.

What is kept is decided on the selection set of the text. However often that is looked at, the figures reported are of
the other half alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import writer_scales
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Budget, and the width of the search."""

    layers: Annotated[int, "Number of layers to add."]
    beam: Annotated[int, "Number of best plans kept for each number of added layers; 1 is greedy."] = 1
    longest: Annotated[int | None, "Maximum length of a block in layers (default: the budget)."] = None
    scales: Annotated[tuple[float, ...], "Factors to try on the output of a repeated block."] = (1.0,)
    protect_first: Annotated[int, "Number of bottom layers that are not repeated."] = 2
    protect_last: Annotated[int, "Number of top layers that are not repeated."] = 1
    shortlist: Annotated[int, "Number of best plans to evaluate on held-out text."] = 3


class Repeat(NamedTuple):
    """One block that is repeated right after itself."""

    start: int
    end: int
    scale: float

    @property
    def layers(self) -> int:
        return self.end - self.start

    @property
    def words(self) -> str:
        return f"{self.start}:{self.end}" + ("" if self.scale == 1 else f" x{self.scale:g}")


State: TypeAlias = tuple[Repeat, ...]
"""Repeats of one plan: in order, without overlap."""


def require_possible(layer_count: int, options: Options) -> None:
    """Raise UsageError for a budget that cannot be used up, and for a search without candidates."""
    free = max(0, _last(layer_count, options) - _first(options))
    if not 1 <= options.layers <= free:
        raise UsageError(
            f"{options.layers} layers cannot be added",
            why=f"only {free} of {layer_count} layers are not protected, and each is repeated at most once",
            fix=f"Use a budget of 1 to {free} layers.",
        )
    if options.beam < 1 or options.shortlist < 1 or _longest(options) < 1 or not options.scales:
        raise UsageError(
            "this search has no candidates",
            fix="Use a beam, a shortlist and blocks of 1 or more, and at least one scale.",
        )


def candidates(layer_count: int, options: Options, kept: Mapping[int, Sequence[State]], added: int) -> list[State]:
    """Return the states that add `added` layers.

    `kept`: for each smaller number of added layers the best states; for 0 the empty state.
    """
    states = (
        tuple(sorted((*state, repeat)))
        for width in range(1, min(_longest(options), added) + 1)
        for state in kept.get(added - width, ())
        for repeat in _repeats(layer_count, options, width)
        if all(repeat.end <= other.start or other.end <= repeat.start for other in state)
    )
    return list(dict.fromkeys(states))


def name_of(state: State) -> str:
    """Return a name, e.g. "6:8 12:13 x0.5"."""
    return " ".join(repeat.words for repeat in state)


def write(checkpoint: Checkpoint, state: State, reason: Sequence[str] = ()) -> str:
    """Return the plan's text with the lines of `reason`. Raises CheckpointError for a family that cannot be scaled."""
    layers = checkpoint.layer_count
    added = sum(repeat.layers for repeat in state)
    words = ", ".join(layers_in_words(repeat.start, repeat.end) for repeat in state)
    title = [f"Repeats {words} of {checkpoint.reference}: {layers} layers become {layers + added}.", *reason]
    return plan_text(title, checkpoint.reference, _slices(checkpoint, state))


def _slices(checkpoint: Checkpoint, state: State) -> Iterator[SliceText]:
    start, layers = 0, checkpoint.layer_count
    for repeat in state:
        words = layers_in_words(repeat.start, repeat.end)
        yield SliceText(start, repeat.end, f"up to and including {words}")
        start = repeat.start
        if repeat.scale != 1:
            scales = writer_scales(checkpoint, (repeat.start, repeat.end), repeat.scale)
            yield SliceText(repeat.start, repeat.end, f"{words} again, scaled", scales)
            start = repeat.end
    if start < layers:
        is_again = state and state[-1].scale == 1
        words = layers_in_words(state[-1].start, state[-1].end) if is_again else layers_in_words(start, layers)
        yield SliceText(start, layers, f"{words} again, then the rest" if is_again else words)


def _repeats(layer_count: int, options: Options, width: int) -> Iterator[Repeat]:
    for start in range(_first(options), _last(layer_count, options) - width + 1):
        for scale in dict.fromkeys(options.scales):
            yield Repeat(start, start + width, scale)


def _first(options: Options) -> int:
    return max(0, options.protect_first)


def _last(layer_count: int, options: Options) -> int:
    return layer_count - max(0, options.protect_last)


def _longest(options: Options) -> int:
    return options.layers if options.longest is None else options.longest
