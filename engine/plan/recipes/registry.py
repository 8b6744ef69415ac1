"""Every recipe, for the command line and the workbench: their commands and forms are made from this table."""

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
    """A plan that can be written from a model's headers and options."""

    name: str
    """What a user calls it, e.g. "double-each"; its sample plan is called so too."""
    summary: str
    """One line."""
    options: type[Any]
    """A frozen dataclass; `fields` describes it."""
    write: Callable[[Checkpoint, Any], str]
    """The plan's text. Raises UsageError, CheckpointError."""
    promises_inertness: Callable[[Any], bool] = lambda _: False
    """Whether with these options the new model is to compute what its base does until it is trained."""

    @property
    def fields(self) -> tuple[Field, ...]:
        return fields_of(self.options)


@dataclass(frozen=True, slots=True)
class MeasuredRecipe:
    """A plan that takes a measurement, which a task makes."""

    name: str
    summary: str
    task: str
    """Of engine.tasks; its answer holds the "plan"."""


def _always(_options: Any) -> bool:
    return True


_RECIPES = (
    Recipe("repeat", "Visit one contiguous block of layers again, right after itself.", repeat.Options, repeat.write),
    Recipe("overlap", "Slices that overlap, as in WestLake-10.7B.", overlap.Options, overlap.write),
    Recipe("growing", "Slices that overlap and grow towards the end.", growing.Options, growing.write),
    Recipe("double-each", "Every layer between the ends twice, in place.", double_each.Options, double_each.write),
    Recipe(
        "attenuated",
        "Repeated layers, each visit damped so that together they weigh as one.",
        attenuated.Options,
        attenuated.write,
    ),
    Recipe(
        "solar", "Two copies, one without its last layers, one without its first (SOLAR).", solar.Options, solar.write
    ),
    Recipe("alternate", "Slices from two models in turn (Goliath).", alternate.Options, alternate.write),
    Recipe(
        "llama-pro",
        "Inert copies spread over the layers, to be trained.",
        llama_pro.Options,
        llama_pro.write,
        _always,
    ),
    Recipe(
        "expand-end",
        "Inert copies of the last layer, to be trained.",
        expand_end.Options,
        expand_end.write,
        _always,
    ),
    Recipe(
        "zeroed-middle",
        "Inert copies of a whole block, to be trained (Tunguska).",
        zeroed_middle.Options,
        zeroed_middle.write,
        _always,
    ),
    Recipe(
        "interleave",
        "After each layer of a block, inert or damped copies of it.",
        interleave.Options,
        interleave.write,
        interleave.promises_inertness,
    ),
    Recipe("prune", "The model without some of its layers, to be healed.", prune.Options, prune.write),
)

_MEASURED = (
    MeasuredRecipe("dlec", "Repeat the block that measurements say harms least; judged on other text.", "propose"),
    MeasuredRecipe(
        "dlec-search", "Search blocks and scales for a budget, step by step; judged on other text.", "search"
    ),
    MeasuredRecipe(
        "dlec-classic", "What the original DLEC rule would write, for comparison; its faults stand in it.", "classic"
    ),
)

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _RECIPES}
"""By name; those that grow a model as it stands first, then those whose copies are to be trained."""

MEASURED: Mapping[str, MeasuredRecipe] = {recipe.name: recipe for recipe in _MEASURED}
"""By name."""
