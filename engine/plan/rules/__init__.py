"""The rules a plan is checked against, a file each: its docstring is the rule's page in docs/rules.md."""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TypeAlias

from engine.plan.problems import Problem
from engine.plan.rules import (
    adapters,
    added_features,
    architecture,
    closed_range,
    config_keys,
    donors,
    dtypes,
    edge_layers,
    empty_slice,
    filters,
    first_slice,
    gradient,
    incomplete,
    kept_dtype,
    known_family,
    last_slice,
    layer_count,
    layer_pattern,
    layer_range,
    leftover_adapter,
    list_lengths,
    loads,
    long_jump,
    not_inert,
    packed_layers,
    patches,
    repeats,
    scale_behind_norm,
    scale_reach,
    short_jump,
    shrinking_slices,
    sidecars,
    size,
    smaller_last_slice,
    switches,
    unused_layer,
    wrapped_names,
)
from engine.plan.rules.facts import UNKNOWN, Circumstances, Device, Facts, OpenedBy

Rule: TypeAlias = Callable[[Facts], Iterable[Problem]]

_OF_THE_PLAN: tuple[ModuleType, ...] = (layer_count, layer_range, empty_slice, closed_range)
_OF_THE_STACK: tuple[ModuleType, ...] = (
    known_family,
    architecture,
    dtypes,
    kept_dtype,
    leftover_adapter,
    donors,
    config_keys,
    sidecars,
    list_lengths,
    wrapped_names,
    adapters,
    incomplete,
    packed_layers,
    patches,
    loads,
    layer_pattern,
    filters,
    scale_reach,
    scale_behind_norm,
    not_inert,
    added_features,
    gradient,
    last_slice,
    first_slice,
    short_jump,
    long_jump,
    smaller_last_slice,
    shrinking_slices,
    repeats,
    edge_layers,
    unused_layer,
    size,
)

RULES_OF_THE_PLAN: tuple[Rule, ...] = tuple(module.check for module in _OF_THE_PLAN)
"""Asked first: the others rely on every slice lying inside its checkpoint."""

RULES_OF_THE_STACK: tuple[Rule, ...] = tuple(module.check for module in _OF_THE_STACK)

MODULES = (*_OF_THE_PLAN, *_OF_THE_STACK)
"""One for each rule, in the order in which they are asked."""

WARNINGS_OF_THE_TEXT: Mapping[str, str] = {
    "chat-template": "a chat template that is copied from elsewhere than the plan says",
    "dlec-comment": "a comment to dlec that it does not understand",
    "documents": "one of several documents that nothing uses",
    "lone-filter": "a filtered scale outside a list, which only newer versions of mergekit read",
    "model-form": "a model written in a way that only dlec reads",
    "models-form": "a plan written as `models:` of which one key does nothing",
    "no-effect": "a key that mergekit accepts and never reads",
    "repeated-key": "a key that stands twice; the last one counts",
    "translated": "a plan of another kind, read as the stack that it means",
    "unknown-key": "a key that nobody reads",
}
"""What reading the text may warn of or note, before any rule is asked."""


def id_of(module: ModuleType) -> str:
    """A rule's id, which is its file's name: `last-slice`."""
    return module.__name__.rpartition(".")[2].replace("_", "-")


RULE_IDS = tuple(id_of(module) for module in MODULES)


def left_on(problems: Iterable[Problem], text: str, circumstances: Circumstances) -> list[Problem]:
    """Without what the plan's text or the configuration switches off; with a problem for each id that is no rule."""
    known = (*RULE_IDS, *WARNINGS_OF_THE_TEXT)
    return switches.without_switched_off(problems, text, circumstances.off, known)


__all__ = [
    "MODULES",
    "RULES_OF_THE_PLAN",
    "RULES_OF_THE_STACK",
    "RULE_IDS",
    "UNKNOWN",
    "WARNINGS_OF_THE_TEXT",
    "Circumstances",
    "Device",
    "Facts",
    "OpenedBy",
    "Rule",
    "id_of",
    "left_on",
]
