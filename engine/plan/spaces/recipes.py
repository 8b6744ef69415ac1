"""recipes: any recipe, with every combination of values that its options are given."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError, shown
from engine.plan.recipes.fields import Field
from engine.plan.recipes.registry import RECIPES, Recipe
from engine.plan.spaces.swept import SweptPlan, require_plans

MOST_VALUES = 1000
"""Of one option: more is a slip."""


def plans(checkpoint: Checkpoint, recipe: Recipe, ranges: Mapping[str, Sequence[Any]]) -> tuple[SweptPlan, ...]:
    """ranges: the values of each of the recipe's options that is not left to its default.

    Combinations that the recipe refuses are left out; raises UsageError when it refuses all of them.
    """
    refusals: list[UsageError] = []
    found = tuple(_plans(checkpoint, recipe, ranges, refusals))
    why = refusals[0].line if refusals else "an option was given no value"
    return require_plans(found, why=why, fix=f"See what it takes: dlec plan new {recipe.name} --help")


def read_recipe(name: str) -> Recipe:
    """Raises UsageError for one that does not exist, or needs a second model."""
    if name not in RECIPES:
        known = ", ".join(name for name, recipe in RECIPES.items() if not _needs_model(recipe))
        raise UsageError(f"there is no recipe {shown(name)} to sweep over", fix=f"There are {known}.")
    if _needs_model(RECIPES[name]):
        raise UsageError(
            f"{name} cannot be swept",
            why="it takes layers from two models, and plans share their computation only within one",
            fix="Write the plans with dlec plan new, and preview them one by one.",
        )
    return RECIPES[name]


def read_range(recipe: Recipe, text: str) -> tuple[str, tuple[Any, ...]]:
    """An option and its values, from OPTION=VALUE,VALUE or OPTION=FIRST..LAST; several lists of blocks stand apart
    with ";". Raises UsageError."""
    name, equals, values = text.partition("=")
    field = next((field for field in recipe.fields if field.name == name.strip().replace("-", "_")), None)
    if field is None or not equals:
        options = ", ".join(field.name for field in recipe.fields)
        raise UsageError(
            f"{shown(text)} is no range of an option of {recipe.name}",
            fix=f"Give OPTION=VALUE,VALUE or OPTION=FIRST..LAST; its options are {options}.",
        )
    separator = ";" if "," in field.form else ","
    return field.name, tuple(value for part in values.split(separator) for value in _values(field, part))


def _values(field: Field, text: str) -> Iterator[Any]:
    first, dots, last = text.partition("..")
    if not dots or field.form != "N":
        yield field.read(text)
        return
    values = range(field.read(first), field.read(last) + 1)
    if not 0 < len(values) <= MOST_VALUES:
        raise UsageError(f"{shown(text)} holds {max(0, len(values)):,} numbers", fix=f"Give 1 to {MOST_VALUES}.")
    yield from values


def _plans(
    checkpoint: Checkpoint, recipe: Recipe, ranges: Mapping[str, Sequence[Any]], refusals: list[UsageError]
) -> Iterator[SweptPlan]:
    """The plans of different text; whatever is refused goes to `refusals`."""
    fields = {field.name: field for field in recipe.fields}
    told = set()
    for values in product(*(dict.fromkeys(each) for each in ranges.values())):
        given = dict(zip(ranges, values, strict=True))
        try:
            text = recipe.write(checkpoint, recipe.options(**given))
        except UsageError as error:
            refusals.append(error)
            continue
        if text not in told:
            told.add(text)
            yield SweptPlan(" ".join(f"{name}={fields[name].written(value)}" for name, value in given.items()), text)


def _needs_model(recipe: Recipe) -> bool:
    return any(field.is_model for field in recipe.fields)
