"""A plan of one checkpoint as the layers it visits, each with the factor on what it adds to the residual stream."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias


class Step(NamedTuple):
    """One visit."""

    layer: int
    scale: float = 1.0
    """On every tensor that writes into the residual stream; where a norm follows those, on its effective gain."""


Visits: TypeAlias = tuple[Step, ...]
"""A plan from bottom to top."""

BASE = -1
"""Stands for the base where plans are told apart by their number."""


def visits(layers: Iterable[int]) -> Visits:
    """These layers, unscaled."""
    return tuple(map(Step, layers))


def base_visits(layer_count: int) -> Visits:
    """The checkpoint as it is."""
    return visits(range(layer_count))
