"""The rules a plan is checked against, a file each."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from engine.plan.problems import Problem
from engine.plan.rules import (
    architecture,
    config_keys,
    donors,
    dtypes,
    empty_slice,
    filters,
    known_family,
    layer_count,
    layer_range,
    repeats,
    scale_behind_norm,
    scale_reach,
)
from engine.plan.rules.facts import Facts

Rule: TypeAlias = Callable[[Facts], Iterable[Problem]]

RULES_OF_THE_PLAN: tuple[Rule, ...] = (layer_count.check, layer_range.check, empty_slice.check)
"""Asked first: the others rely on every slice lying inside its checkpoint."""

RULES_OF_THE_STACK: tuple[Rule, ...] = (
    known_family.check,
    architecture.check,
    dtypes.check,
    donors.check,
    filters.check,
    scale_reach.check,
    scale_behind_norm.check,
    repeats.check,
    config_keys.check,
)

__all__ = ["RULES_OF_THE_PLAN", "RULES_OF_THE_STACK", "Facts", "Rule"]
