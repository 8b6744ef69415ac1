"""Experts that one checkpoint stores together, and another individually, as tensors of equal shape.

Fused (transformers in memory, some publishers): experts.gate_up_proj [experts, 2 x inner, hidden] and experts.down_proj
[experts, hidden, inner]. Individually: experts.3.gate_proj.weight, or w1, w3 and w2 in Mixtral's spelling.
"""

import re
from collections.abc import Iterator, Mapping

from engine.checkpoint.formats.format import StoredTensor
from engine.comparison.sides import Place, Weights

_FUSED = re.compile(r"(?P<module>.*experts)\.(?P<kind>gate_up_proj|gate_proj|up_proj|down_proj)(\.weight)?")
_SINGLE = re.compile(r"(?P<module>.*experts)\.(?P<expert>\d+)\.(?P<kind>\w+)\.weight")
_KINDS = {"gate_proj": "gate", "w1": "gate", "up_proj": "up", "w3": "up", "down_proj": "down", "w2": "down"}

_Weights = Mapping[Place, Weights]
_Expert = tuple[int | None, int, str]
"""Layer, expert, and "gate", "up" or "down"."""


def meeting(a: _Weights, b: _Weights) -> tuple[_Weights, _Weights]:
    """Return both sides with fused experts cut into single ones where the other side has single ones."""
    single_a, single_b = _single(a), _single(b)
    return _cut(a, b, single_b), _cut(b, a, single_a)


def _single(side: _Weights) -> dict[_Expert, Place]:
    experts = {}
    for place in side:
        if (match := _SINGLE.fullmatch(place.suffix)) and (kind := _KINDS.get(match["kind"])):
            experts[place.layer, int(match["expert"]), kind] = place
    return experts


def _cut(side: _Weights, other: _Weights, singles: Mapping[_Expert, Place]) -> _Weights:
    """Return `side` with its fused experts at the places of the other side's single ones."""
    if not singles:
        return side
    result = dict(side)
    for place, weights in side.items():
        match = _FUSED.fullmatch(place.suffix)
        if match is None or place in other or len(weights.stored.shape) != 3:
            continue
        parts = list(_parts(place, weights, match["kind"], singles))
        if parts and all(part.stored.shape == other[at].stored.shape for at, part in parts):
            del result[place]
            result.update(parts)
    return result


def _parts(
    place: Place, weights: Weights, kind: str, singles: Mapping[_Expert, Place]
) -> Iterator[tuple[Place, Weights]]:
    kinds = ("gate", "up") if kind == "gate_up_proj" else (_KINDS[kind],)
    for expert in range(weights.stored.shape[0]):
        for position, each in enumerate(kinds):
            if at := singles.get((place.layer, expert, each)):
                stored = _part(weights.stored, expert, position, len(kinds))
                yield at, weights._replace(stored=stored)


def _part(fused: StoredTensor, expert: int, position: int, count: int) -> StoredTensor:
    """Return one of `count` equal parts of the rows of one expert."""
    experts, rows, columns = fused.shape
    nbytes = fused.nbytes // experts // count
    begin = fused.begin + (expert * count + position) * nbytes
    return fused._replace(
        name=f"{fused.name}[{expert}]"
        if count == 1
        else f"{fused.name}[{expert}, {'gate' if position == 0 else 'up'}]",
        shape=(rows // count, columns),
        begin=begin,
        end=begin + nbytes,
    )
