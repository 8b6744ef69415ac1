"""Readers of settings that name layers, as other tools implement them."""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.plan.outputs import output_tensors
from engine.plan.stack import Stack


def is_within(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def is_ignored(module: str, entries: Sequence[str]) -> bool:
    """compressed-tensors."""
    return any(
        re.match(entry[3:], module) is not None if entry.startswith("re:") else is_within(module, entry)
        for entry in entries
    )


def is_excluded(module: str, entries: Sequence[str]) -> bool:
    """ModelOpt."""
    return any(fnmatch.fnmatchcase(module, entry) or is_within(module, entry) for entry in entries)


def is_not_converted(module: str, entries: Sequence[str]) -> bool:
    """transformers."""
    return any(
        re.match(rf"(?:{entry})(?:(?<=\.)|(?=\.|$))", module) is not None or module.endswith(entry) for entry in entries
    )


def dynamic(module: str, rules: Mapping[str, Any]) -> Any:
    """GPTQModel: the first rule that matches counts."""
    for pattern, overrides in rules.items():
        if re.match(pattern.removeprefix("-:").removeprefix("+:"), module):
            return "excluded" if pattern.startswith("-:") else overrides
    return None


def extra_config(module: str, rules: Mapping[str, Any]) -> Any:
    """AutoRound: a name, or else the first expression that is found in it."""
    if module in rules:
        return rules[module]
    patterns = {key: value for key, value in rules.items() if not set("*+?^$()[]{}|\\").isdisjoint(key)}
    return next((value for pattern, value in patterns.items() if re.search(pattern, module)), None)


def quantized_layer(module: str, rules: Mapping[str, Any]) -> Any:
    """ModelOpt's mixed precision."""
    return rules.get(module)


def group(module: str, groups: Mapping[str, Any]) -> Any:
    """compressed-tensors: the groups whose targets it is among."""
    return [name for name, found in groups.items() if is_ignored(module, found["targets"])]


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "ignore": is_ignored,
    "exclude_modules": is_excluded,
    "modules_to_not_convert": is_not_converted,
    "llm_int8_skip_modules": is_not_converted,
    "dynamic": dynamic,
    "extra_config": extra_config,
    "quantized_layers": quantized_layer,
    "config_groups": group,
}


def what_is_said(block: Mapping[str, Any], module: str) -> dict[str, Any]:
    return {key: READERS[key](module, value) for key, value in block.items()}


def disagreements(stack: Stack, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Tensors of which the new block does not say what the old one said of their sources."""
    pairs = [
        (tensor.pieces[0].name.removesuffix(".weight"), tensor.name.removesuffix(".weight"))
        for tensor in output_tensors(stack)
    ]
    said = [(name, what_is_said(old, source), what_is_said(new, name)) for source, name in pairs]
    return [(name, wanted, found) for name, wanted, found in said if wanted != found]
