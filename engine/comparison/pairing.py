"""Pairs of tensors to compare: by position, by the plan that a stack was made of, or copies of one layer."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.registry import block_of
from engine.comparison.experts import meeting
from engine.comparison.sides import Place, Side, Weights
from engine.errors import CheckpointError, shown
from engine.plan.outputs import rows_of
from engine.plan.stack import Stack
from engine.plan.syntax import parse
from engine.units import plural


class Pairing(StrEnum):
    """Rule by which tensors become pairs."""

    POSITION = "position"
    """Each layer with the layer of the same number."""
    PLAN = "plan"
    """Each layer of a stack with the layer that it was made of, scaled as the plan says."""
    COPIES = "copies"
    """Each further visit of a layer with the first one, in one stack."""


Visited: TypeAlias = tuple[Hashable, int]
"""Model and layer of one visit."""
Groups: TypeAlias = Mapping[int | None, str]
"""Group of each layer."""
_Weights: TypeAlias = Mapping[Place, Weights]


class Pair(NamedTuple):
    """Two tensors of one shape."""

    place: Place
    """Place in B."""
    base: Weights
    weights: Weights
    rows_left: int = 0
    """Number of rows without a counterpart, where the vocabularies differ."""
    group: str = ""
    """Group of its layer (see `groups_of`); "" outside stacks."""


class Unpaired(NamedTuple):
    """A tensor that is not compared."""

    name: str
    side: str
    """ "a", "b" or "both"."""
    reason: str


@dataclass(frozen=True)
class Pairs:
    """Pairs of two sides, and the tensors that are left over."""

    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...]


def paired(a: Side, b: Side, groups: Groups) -> Pairs:
    """Pair the tensors at the same place of two sides. `groups`: those of B's layers.

    Raises CheckpointError if no tensor of one has a counterpart in the other.
    """
    base, given = meeting(a.weights, b.weights)
    rows = a.vocabulary | b.vocabulary
    matches = [
        _pair(place, base[place], weights, groups, is_vocabulary=place in rows)
        for place, weights in given.items()
        if place in base
    ]
    alone = [*_alone(base, given, "a", "B"), *_alone(given, base, "b", "A")]
    pairs = _sorted(matches, alone)
    if not pairs.pairs:
        raise _strangers(a, b, pairs.unpaired)
    return pairs


def copies(b: Side, stack: Stack) -> Pairs:
    """Pair each further visit of a layer with the first one. Raises CheckpointError for a stack without copies."""
    first: dict[Visited, int] = {}
    matches: list[Pair | Unpaired] = []
    groups = groups_of(visited(stack))
    for number, visit in enumerate(visited(stack)):
        origin = first.setdefault(visit, number)
        for place in [place for place in b.weights if place.layer == number and origin != number]:
            base = b.weights.get(Place(origin, place.suffix))
            matches.append(
                Unpaired(b.weights[place].stored.name, "b", f"layer {origin} has no such tensor")
                if base is None
                else _pair(place, base, b.weights[place], groups, is_vocabulary=False)
            )
    if not matches:
        raise CheckpointError(
            f"{shown(b.reference)} has no copies to compare",
            why="its plan visits no layer twice",
            fix="Choose --pair position or --pair plan.",
        )
    return _sorted(matches, [])


def _sorted(matches: Iterable[Pair | Unpaired], alone: Iterable[Unpaired]) -> Pairs:
    matches = list(matches)
    pairs = tuple(each for each in matches if isinstance(each, Pair))
    return Pairs(pairs, (*(each for each in matches if isinstance(each, Unpaired)), *alone))


def visited(stack: Stack) -> list[Visited]:
    """Return the checkpoint and layer of each visit of a stack."""
    return [(id(visit.checkpoint), visit.layer) for visit in stack.visits]


def visited_by_text(plan_text: str) -> list[Visited]:
    """Return the model and layer of each visit of a plan, by its text alone; empty if that does not say."""
    plan = parse(plan_text).plan
    if plan is None or plan.earlier or any(slice_.is_whole for slice_ in plan.slices):
        return []
    return [(slice_.model, layer) for slice_ in plan.slices for layer in range(slice_.start, slice_.end)]


_COMPLEX = ("C64",)
_ORDINALS = ("originals", "first copies", "second copies", "third copies", "fourth copies")


def groups_of(visits: Sequence[Visited]) -> Groups:
    """Return the group of each layer of a stack: "originals", "first copies", ..., or "single layers".

    Empty if no layer is visited twice.
    """
    counts, seen = Counter(visits), Counter[Visited]()
    if len(counts) == len(visits):
        return {}
    groups: dict[int | None, str] = {}
    for number, visit in enumerate(visits):
        groups[number] = "single layers" if counts[visit] == 1 else _ordinal(seen[visit])
        seen[visit] += 1
    return groups


def _ordinal(repeat: int) -> str:
    return _ORDINALS[repeat] if repeat < len(_ORDINALS) else f"copies {repeat}"


def _alone(side: _Weights, other: _Weights, name: str, other_name: str) -> Iterator[Unpaired]:
    for place, weights in side.items():
        if place not in other:
            yield Unpaired(weights.stored.name, name, f"{other_name} has no such tensor")


def _pair(place: Place, base: Weights, given: Weights, groups: Groups, *, is_vocabulary: bool) -> Pair | Unpaired:
    name = given.stored.name
    for weights in (base, given):
        if not _is_real(weights.stored.dtype):
            return Unpaired(
                name, "both", f"it is stored as {weights.stored.dtype}, whose elements are packed or complex"
            )
    before, after, group = base.stored.shape, given.stored.shape, groups.get(place.layer, "")
    if 0 in (math.prod(before), math.prod(after)):
        return Unpaired(name, "both", "it is empty")
    if before == after:
        return Pair(place, base, given, group=group)
    if is_vocabulary and len(before) > 1 and before[1:] == after[1:]:
        rows = min(before[0], after[0])
        base, given = (each._replace(stored=_first_rows(each.stored, rows)) for each in (base, given))
        return Pair(place, base, given, abs(before[0] - after[0]), group)
    return Unpaired(name, "both", f"A has the shape {list(before)}, B has {list(after)}")


def _is_real(dtype: str) -> bool:
    """Return True if each element is a real number with an address of its own."""
    return block_of(dtype).elements == 1 and dtype not in _COMPLEX


def _first_rows(tensor: StoredTensor, rows: int) -> StoredTensor:
    return tensor if tensor.shape[0] == rows else rows_of(tensor, 0, rows)


def _strangers(a: Side, b: Side, unpaired: Iterable[Unpaired]) -> CheckpointError:
    kinds = [f"{shown(side.reference)} is {shown(side.family)} with {plural(side.layers, 'layer')}" for side in (a, b)]
    clash = next((each for each in unpaired if each.side == "both"), None)
    example = f"; {shown(clash.name)}: {clash.reason}" if clash else ""
    return CheckpointError(
        f"{shown(a.reference)} and {shown(b.reference)} cannot be compared",
        why=f"no tensor has a counterpart of its shape: {', '.join(kinds)}{example}",
        fix="Compare checkpoints of one family and width.",
    )
