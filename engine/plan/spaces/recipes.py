"""recipes: any recipe, with every combination of the given option values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError, shown
from engine.plan.recipes.registry import RECIPES, Field, Recipe
from engine.plan.spaces import SweptPlan, require_plans

MAX_VALUES = 1000
"""Maximum number of values of one option."""


def plans(checkpoint: Checkpoint, recipe: Recipe, ranges: Mapping[str, Sequence[Any]]) -> tuple[SweptPlan, ...]:
    """Return the plans for all combinations of `ranges`, option to values; other options keep their default.

    Combinations that the recipe rejects are left out. Raises UsageError if it rejects all of them.
    """
    refusals: list[UsageError] = []
    swept = tuple(_plans(checkpoint, recipe, ranges, refusals))
    why = refusals[0].line if refusals else "an option has no value"
    return require_plans(swept, why=why, fix=f"See its options: dlec plan new {recipe.name} --help")


def read_recipe(name: str) -> Recipe:
    """Return a recipe by name. Raises UsageError for an unknown one, or one that needs a second model."""
    if name not in RECIPES:
        known = ", ".join(name for name, recipe in RECIPES.items() if not _needs_model(recipe))
        raise UsageError(f"there is no recipe {shown(name)} to sweep", fix=f"Use one of {known}.")
    if _needs_model(RECIPES[name]):
        raise UsageError(
            f"{name} cannot be swept",
            why="it uses two models, and plans share computation only within one",
            fix="Write the plans with `dlec plan new`, and preview each.",
        )
    return RECIPES[name]


def read_range(recipe: Recipe, text: str) -> tuple[str, tuple[Any, ...]]:
    """Read an option and its values from OPTION=VALUE,VALUE or OPTION=FIRST..LAST. Raises UsageError.

    Several lists of blocks are separated by ";".
    """
    name, equals, values = text.partition("=")
    field = next((field for field in recipe.fields if field.name == name.strip().replace("-", "_")), None)
    if field is None or not equals:
        options = ", ".join(field.name for field in recipe.fields)
        raise UsageError(
            f"{shown(text)} is not a range of an option of {recipe.name}",
            fix=f"Use OPTION=VALUE,VALUE or OPTION=FIRST..LAST; the options are {options}.",
        )
    separator = ";" if "," in field.form else ","
    return field.name, tuple(value for part in values.split(separator) for value in _values(field, part))


def _values(field: Field, text: str) -> Iterator[Any]:
    first, dots, last = text.partition("..")
    if not dots or field.form != "N":
        yield field.read(text)
        return
    values = range(field.read(first), field.read(last) + 1)
    if not 0 < len(values) <= MAX_VALUES:
        raise UsageError(f"{shown(text)} holds {max(0, len(values)):,} numbers", fix=f"Use 1 to {MAX_VALUES}.")
    yield from values


def _plans(
    checkpoint: Checkpoint, recipe: Recipe, ranges: Mapping[str, Sequence[Any]], refusals: list[UsageError]
) -> Iterator[SweptPlan]:
    """Yield the distinct plans, and add rejections to `refusals`."""
    fields = {field.name: field for field in recipe.fields}
    seen = set()
    for values in product(*(dict.fromkeys(each) for each in ranges.values())):
        given = dict(zip(ranges, values, strict=True))
        try:
            text = recipe.write(checkpoint, recipe.options(**given))
        except UsageError as error:
            refusals.append(error)
            continue
        if text not in seen:
            seen.add(text)
            yield SweptPlan(" ".join(f"{name}={fields[name].written(value)}" for name, value in given.items()), text)


def _needs_model(recipe: Recipe) -> bool:
    return any(field.is_model for field in recipe.fields)
