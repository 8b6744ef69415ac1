"""Table of recipes and the fields of their options.

The command line turns each field into an option, and the workbench into a line of a form, so that both read values in
the same way and show the same help.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_type_hints

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError, shown
from engine.plan.recipes import (
    alternate,
    attenuated,
    double_each,
    expand_end,
    graft,
    growing,
    interleave,
    llama_pro,
    overlap,
    prune,
    repeat,
    solar,
    zeroed_middle,
)
from engine.plan.recipes.blocks import Block


@dataclass(frozen=True, slots=True)
class Field:
    """One option of a recipe."""

    name: str
    """Name in the recipe's Options, e.g. "backward_jump"."""
    form: str
    """Notation of a value: "N", "START:END", "one|other"."""
    help: str
    """One sentence, with the default if it depends on the model."""
    default: Any
    """dataclasses.MISSING for a required value; None if the recipe chooses by the model's depth."""
    _reader: Callable[[str], Any]

    @property
    def is_required(self) -> bool:
        return self.default is MISSING

    @property
    def is_model(self) -> bool:
        """Return True if the value is a checkpoint, to be opened from its reference."""
        return self.form == _MODEL

    def read(self, text: str) -> Any:
        """Return the value of `text`; for a model its reference. Raises UsageError."""
        try:
            return self._reader(text.strip())
        except ValueError as error:
            expected = _EXPECTED.get(self.form) or f"one of {self.form.replace('|', ', ')}"
            raise UsageError(f"{shown(text)} is not {expected}") from error

    def written(self, value: Any) -> str:
        """Return the text that `read` reads as `value`; "" for None and for an empty tuple."""
        if value is None or value is MISSING or value == ():
            return ""
        match value:
            case (int(start), int(end)):
                return f"{start}:{end}"
            case (str(), *_):
                return ",".join(value)
            case (float(), *_):
                return ",".join(f"{factor:g}" for factor in value)
            case tuple():
                return ",".join(f"{start}:{end}" for start, end in value)
        return str(value)


def fields_of(options: type[Any]) -> tuple[Field, ...]:
    """Return the fields of a recipe's Options, in order. Each is annotated with its help: `Annotated[int, "Help."]`."""
    hints = get_type_hints(options, include_extras=True)
    return tuple(_field(field, *get_args(hints[field.name])) for field in dataclasses.fields(options))


def _field(field: dataclasses.Field[Any], hint: Any, help: str) -> Field:
    value_type = next(iter(set(get_args(hint)) - {NoneType}), hint) if NoneType in get_args(hint) else hint
    is_choice = isinstance(value_type, type) and issubclass(value_type, StrEnum)
    form, reader = _choice(value_type) if is_choice else _FORMS[value_type]
    return Field(field.name, form, help, field.default, reader)


def _choice(choices: type[StrEnum]) -> tuple[str, Callable[[str], Any]]:
    return "|".join(choices), choices


def _factor(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _factors(text: str) -> tuple[float, ...]:
    return tuple(map(_factor, text.split(",")))


def _block(text: str) -> Block:
    start, end = map(int, text.split(":"))
    return start, end


def _blocks(text: str) -> tuple[Block, ...]:
    return tuple(_block(part) for part in text.split(","))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError(text)
    return names


_MODEL = "MODEL"
_FORMS: Mapping[Any, tuple[str, Callable[[str], Any]]] = {
    int: ("N", int),
    float: ("X", _factor),
    tuple[float, ...]: ("X,...", _factors),
    Block: ("START:END", _block),
    tuple[Block, ...]: ("START:END,...", _blocks),
    tuple[str, ...]: ("NAME,...", _names),
    Checkpoint: (_MODEL, str),
}
"""Notation and reader of each type of field."""

_EXPECTED = {
    "N": "a whole number",
    "X": "a number such as 0.5",
    "X,...": "a list of numbers such as 1,0.7,0.5",
    "START:END": "a block such as 12:17, with an exclusive end",
    "NAME,...": "a list of names such as q_proj,k_proj",
    "START:END,...": "a list of blocks such as 12:17,20:22, with exclusive ends",
}
"""Description of a valid value, for errors."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe that needs only a model's headers and options."""

    name: str
    """Name for users and of its sample plan, e.g. "double-each"."""
    summary: str
    """One sentence."""
    options: type[Any]
    """Frozen dataclass of options; see `fields`."""
    write: Callable[[Checkpoint, Any], str]
    """Function that returns the plan's text. Raises UsageError, CheckpointError."""
    promises_inertness: Callable[[Any], bool] = lambda _: False
    """Predicate: with these options the new model computes the same as its base until it is trained."""

    @property
    def fields(self) -> tuple[Field, ...]:
        return fields_of(self.options)


@dataclass(frozen=True, slots=True)
class MeasuredRecipe:
    """A recipe that needs a measurement by a task."""

    name: str
    summary: str
    task: str
    """Name of the task in engine.tasks; its answer contains the "plan"."""


def _always(_options: Any) -> bool:
    return True


_RECIPES = (
    Recipe("repeat", "Repeat one contiguous block of layers right after itself.", repeat.Options, repeat.write),
    Recipe("overlap", "Stack overlapping slices (WestLake-10.7B).", overlap.Options, overlap.write),
    Recipe("growing", "Stack overlapping slices that grow towards the end.", growing.Options, growing.write),
    Recipe("double-each", "Double every layer between the ends in place.", double_each.Options, double_each.write),
    Recipe(
        "attenuated",
        "Repeat layers, each visit damped so that together they have the weight of one.",
        attenuated.Options,
        attenuated.write,
    ),
    Recipe(
        "solar",
        "Stack two copies, one without its last layers, one without its first (SOLAR).",
        solar.Options,
        solar.write,
    ),
    Recipe("alternate", "Alternate slices of two models (Goliath).", alternate.Options, alternate.write),
    Recipe("graft", "Put layers or tensors of another checkpoint into this one.", graft.Options, graft.write),
    Recipe(
        "llama-pro",
        "Spread inert copies over the layers, for training.",
        llama_pro.Options,
        llama_pro.write,
        _always,
    ),
    Recipe(
        "expand-end",
        "Add inert copies of the last layer, for training.",
        expand_end.Options,
        expand_end.write,
        _always,
    ),
    Recipe(
        "zeroed-middle",
        "Add inert copies of a block, for training (Tunguska).",
        zeroed_middle.Options,
        zeroed_middle.write,
        _always,
    ),
    Recipe(
        "interleave",
        "Add inert or damped copies after each layer of a block.",
        interleave.Options,
        interleave.write,
        interleave.promises_inertness,
    ),
    Recipe("prune", "Remove layers, for healing by training.", prune.Options, prune.write),
)

_MEASURED = (
    MeasuredRecipe("dlec", "Repeat the block that degrades the model least; evaluated on held-out text.", "propose"),
    MeasuredRecipe("dlec-search", "Search blocks and scales within a budget; evaluated on held-out text.", "search"),
    MeasuredRecipe(
        "dlec-classic", "Apply the original DLEC rule, for comparison; the plan lists its defects.", "classic"
    ),
)

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}
"""Recipes by name: first those for use as they are, then those for training."""

MEASURED: Mapping[str, MeasuredRecipe] = {recipe.name: recipe for recipe in _MEASURED}
"""Recipes with a measurement, by name."""
