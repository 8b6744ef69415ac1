"""Options of a measured recipe, from a request that gives the budget in layers or as growth."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import layers_for_growth

Options = TypeVar("Options")


def recipe_options(kind: type[Options], request: Mapping[str, Any], checkpoint: Checkpoint) -> Options:
    """Return options of `kind`, a dataclass whose first field is the number of layers to add.

    Raises UsageError unless the request has exactly one of "layers" and "growth".
    """
    names = [field.name for field in fields(kind)[1:]]  # type: ignore[arg-type]
    others = {name: _as_field(request[name]) for name in names if name in request}
    match request.get("layers"), request.get("growth"):
        case int(layers), None:
            return kind(layers, **others)  # type: ignore[call-arg]
        case None, float(growth):
            return kind(layers_for_growth(checkpoint, growth), **others)  # type: ignore[call-arg]
        case _:
            raise UsageError("the budget is not clear", fix="Give either a number of layers or a growth.")


def _as_field(value: Any) -> Any:
    """Return a tuple for a list of a request."""
    return tuple(value) if isinstance(value, list) else value
