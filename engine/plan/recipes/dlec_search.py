"""dlec-search: which blocks to repeat, and how much of each repetition to let through, found by searching.

Layers are added until the budget is used up. The candidates that add n layers are those kept with fewer, each with one
more block to repeat; of every n the best few are kept (one: greedy; more: a beam), so that many small blocks and one
large one meet at the end as equals. A layer is repeated at most once.

What is kept is decided on the selection set of the text. However often that is looked at, the figures reported are of
the other half alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.filters import writer_scales
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """How much to add, and how widely to look."""

    layers: int
    """The budget: how many layers the new model has more."""
    beam: int = 1
    """How many of the best are kept for each number of added layers: 1 is greedy."""
    longest: int | None = None
    """Layers in the longest block; default: as many as the budget."""
    scales: tuple[float, ...] = (1.0,)
    """Factors on what a repeated block adds; each is tried."""
    protect_first: int = 2
    """Layers at the bottom that stay as they are."""
    protect_last: int = 1
    """Layers at the top that stay as they are."""
    shortlist: int = 3
    """How many of the best are judged on the other half of the text."""


class Repeat(NamedTuple):
    """One block that is visited again, right after itself."""

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
"""The repeats of one plan: in order, none overlapping another."""


def require_possible(layer_count: int, options: Options) -> None:
    """Raises UsageError for a budget that cannot be used up, and for a search that looks at nothing."""
    free = max(0, _last(layer_count, options) - _first(options))
    if not 1 <= options.layers <= free:
        raise UsageError(
            f"{options.layers} layers cannot be added",
            why=f"between the protected ends of {layer_count} layers there are {free}, each repeated at most once",
            fix=f"Give a budget of 1 to {free} layers.",
        )
    if options.beam < 1 or options.shortlist < 1 or _longest(options) < 1 or not options.scales:
        raise UsageError(
            "such a search looks at nothing",
            fix="Keep 1 plan or more, judge 1 or more, and repeat blocks of 1 or more.",
        )


def candidates(layer_count: int, options: Options, kept: Mapping[int, Sequence[State]], added: int) -> list[State]:
    """What adds `added` layers: kept: for each smaller number the best that add so many; for 0 the empty state."""
    found = (
        tuple(sorted((*state, repeat)))
        for width in range(1, min(_longest(options), added) + 1)
        for state in kept.get(added - width, ())
        for repeat in _repeats(layer_count, options, width)
        if all(repeat.end <= other.start or other.end <= repeat.start for other in state)
    )
    return list(dict.fromkeys(found))


def name_of(state: State) -> str:
    """E.g. "6:8 12:13 x0.5"."""
    return " ".join(repeat.words for repeat in state)


def write(checkpoint: Checkpoint, state: State, reason: Sequence[str] = ()) -> str:
    """The plan's text; `reason` says why, a line each. Raises CheckpointError for a family that cannot be scaled."""
    layers = checkpoint.layer_count
    added = sum(repeat.layers for repeat in state)
    words = ", ".join(layers_in_words(repeat.start, repeat.end) for repeat in state)
    title = [f"Repeats {words} of {checkpoint.reference}: {layers} layers become {layers + added}.", *reason]
    return plan_text(title, checkpoint.reference, _slices(checkpoint, state))


def _slices(checkpoint: Checkpoint, state: State) -> Iterator[SliceText]:
    start, layers = 0, checkpoint.layer_count
    for repeat in state:
        words = layers_in_words(repeat.start, repeat.end)
        yield SliceText(start, repeat.end, f"up to and with {words}")
        start = repeat.start
        if repeat.scale != 1:
            scales = writer_scales(checkpoint, (repeat.start, repeat.end), repeat.scale)
            yield SliceText(repeat.start, repeat.end, f"{words} again, scaled", scales)
            start = repeat.end
    if start < layers:
        is_again = state and state[-1].scale == 1
        words = layers_in_words(state[-1].start, state[-1].end) if is_again else layers_in_words(start, layers)
        yield SliceText(start, layers, f"{words} again, then what is left" if is_again else words)


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
