"""layer-pattern: repeated layers break the model's pattern of layer types.

Severity: warning

Why: Many models have layers of several types in a fixed pattern: five with a sliding window and one with full
attention, three of linear attention and one of full, a dense layer and then a sparse one. A repeated block that is not
a whole number of patterns shifts all layers above it. dlec writes the type of each layer into config.json, and
transformers uses it; runtimes that count layers instead (llama.cpp with a fixed interval) use the wrong type for every
shifted layer, without an error. Layers that share keys and values with others cannot be stacked at all: see the rule
config-keys.

Source: noonr48's account of such a model ("The model loaded. That was the trap"); the stride rule for Qwen3.5 from the
users of RYS; verified for this project on 13 architectures.

Example: `[0, 8]`, `[5, 24]` of a model with full attention in every sixth layer: 3 layers are repeated.

Fix: Repeat a multiple of the pattern's length, starting at the same position in the pattern.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from engine.checkpoint.attention import attention_of
from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


class Pattern(NamedTuple):
    """Layer types that repeat with a period, after an irregular beginning."""

    kinds: tuple[Hashable, ...]
    """Type of each layer."""
    begin: int
    """Number of layers before the pattern."""
    period: int

    def at(self, place: int) -> Hashable:
        """Return the type that the continued pattern has at a layer."""
        if place < self.begin:
            return self.kinds[place]
        return self.kinds[self.begin + (place - self.begin) % self.period]


def check(facts: Facts) -> Iterator[Problem]:
    donor = facts.stack.config_donor
    kinds = {id(checkpoint): _kinds_of(checkpoint) for checkpoint in facts.stack.checkpoints}
    pattern = pattern_of(kinds[id(donor)])
    if pattern is None:
        return
    for place, visit in enumerate(facts.stack.visits):
        kind = kinds[id(visit.checkpoint)][visit.layer]
        if kind != pattern.at(place):
            actual, expected = _named(kind, pattern), _named(pattern.at(place), pattern)
            message = (
                f"layer {place} of the new model, a copy of layer {visit.layer}, has {actual}, where the pattern of "
                f"{donor.reference} expects {expected}: {_arithmetic(pattern)}"
            )
            fix = (
                f"Repeat a multiple of {pattern.period} layers, or use a runtime that reads config.json's layer types."
            )
            yield Problem("layer-pattern", Severity.WARNING, message, facts.place_of(visit), fix)
            return


def _kinds_of(checkpoint: Checkpoint) -> tuple[Hashable, ...]:
    """Return for each layer its attention type, if known, and its tensors."""
    attention = attention_of(checkpoint.config)
    tensors = [frozenset(suffixes) for suffixes in checkpoint.anatomy.layers]
    attending: Sequence[str] = attention.kinds if attention is not None else [""] * len(tensors)
    return tuple(zip(attending, tensors, strict=True))


def pattern_of(kinds: Sequence[Hashable]) -> Pattern | None:
    """Return the shortest pattern that occurs at least twice and holds to the end; None if all layers are alike."""
    distinct = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
    if len(distinct) == 1:
        return None
    numbers = [distinct[kind] for kind in kinds]
    for begin in range(len(numbers) // 2):
        rest = numbers[begin:]
        for period in range(1, len(rest) // 2 + 1):
            if rest[period:] == rest[:-period]:
                return Pattern(tuple(kinds), begin, period)
    return None


def _named(kind: Hashable, pattern: Pattern) -> str:
    attending, mlp = _attending(kind).replace("_", " "), ""
    if any(map(_is_sparse, pattern.kinds)):
        mlp = "a sparse MLP" if _is_sparse(kind) else "a dense MLP"
    return " and ".join(filter(None, [attending, mlp])) or "another type"


def _attending(kind: Hashable) -> str:
    return str(kind[0]) if isinstance(kind, tuple) else ""


def _is_sparse(kind: Hashable) -> bool:
    return isinstance(kind, tuple) and any("expert" in suffix for suffix in kind[1])


def _arithmetic(pattern: Pattern) -> str:
    after = f" after the first {pattern.begin}" if pattern.begin else ""
    return f"it repeats every {pattern.period} layers{after}"
