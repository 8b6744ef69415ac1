"""Table of recipes, from which the command line builds commands and the workbench forms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes import (
    alternate,
    attenuated,
    double_each,
    expand_end,
    growing,
    interleave,
    llama_pro,
    overlap,
    prune,
    repeat,
    solar,
    zeroed_middle,
)
from engine.plan.recipes.fields import Field, fields_of


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
