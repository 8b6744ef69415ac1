"""Rules for plans, one file each. The docstring of a rule is its section in docs/rules.md."""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TypeAlias

from engine.plan.comments import enabled_problems
from engine.plan.problems import Problem
from engine.plan.rules import (
    adapters,
    added_features,
    architecture,
    changed_base,
    closed_range,
    config_keys,
    donors,
    dtypes,
    edge_layers,
    empty_slice,
    filters,
    first_slice,
    gradient,
    grafts,
    incomplete,
    jumps,
    kept_dtype,
    known_family,
    last_slice,
    layer_count,
    layer_pattern,
    layer_range,
    leftover_adapter,
    list_lengths,
    loads,
    not_inert,
    packed_layers,
    patches,
    repeats,
    scale_before_norm,
    scale_reach,
    sidecars,
    size,
    slice_sizes,
    unused_layer,
    wrapped_names,
)
from engine.plan.rules.facts import UNKNOWN, CheckContext, Device, Facts, OpenedBy

Rule: TypeAlias = Callable[[Facts], Iterable[Problem]]

_PLAN_MODULES: tuple[ModuleType, ...] = (layer_count, layer_range, grafts, empty_slice, closed_range)
_STACK_MODULES: tuple[ModuleType, ...] = (
    known_family,
    architecture,
    dtypes,
    kept_dtype,
    leftover_adapter,
    changed_base,
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
    scale_before_norm,
    not_inert,
    added_features,
    gradient,
    last_slice,
    first_slice,
    jumps,
    slice_sizes,
    repeats,
    edge_layers,
    unused_layer,
    size,
)

PLAN_RULES: tuple[Rule, ...] = tuple(module.check for module in _PLAN_MODULES)
"""Rules that run first: the others require every slice to be inside its checkpoint."""

STACK_RULES: tuple[Rule, ...] = tuple(module.check for module in _STACK_MODULES)

MODULES = (*_PLAN_MODULES, *_STACK_MODULES)
"""Modules of the rules, in the order in which they run."""

PARSER_WARNINGS: Mapping[str, str] = {
    "chat-template": "a chat template that dlec copies from the config donor",
    "dlec-comment": "an unknown `# dlec:` comment",
    "documents": "a document that no other document uses",
    "lone-filter": "a filtered scale outside a list, which only newer versions of mergekit accept",
    "model-form": "a model in a form that only dlec reads",
    "models-form": "a plan with `models:` that mergekit rejects",
    "no-effect": "a key that mergekit accepts and ignores",
    "repeated-key": "a repeated key, of which the last one applies",
    "translated": "a document in another format, read as the stack that it describes",
    "unknown-key": "an unknown key, which is ignored",
}
"""Warnings and notes of the parser, which run before any rule."""


def id_of(module: ModuleType) -> str:
    """Return the id of a rule, which is its file name: `last-slice`."""
    return module.__name__.rpartition(".")[2].replace("_", "-")


RULE_IDS = tuple(id_of(module) for module in MODULES)


def enabled(problems: Iterable[Problem], text: str, context: CheckContext) -> list[Problem]:
    """Return the problems that are not switched off, and one problem for each unknown id that is switched off."""
    known = (*RULE_IDS, *PARSER_WARNINGS)
    return enabled_problems(problems, text, context.off, known)


__all__ = [
    "MODULES",
    "PARSER_WARNINGS",
    "PLAN_RULES",
    "RULE_IDS",
    "STACK_RULES",
    "UNKNOWN",
    "CheckContext",
    "Device",
    "Facts",
    "OpenedBy",
    "Rule",
    "enabled",
    "id_of",
]
