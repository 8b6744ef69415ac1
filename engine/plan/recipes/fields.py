"""Options of recipes, field by field.

The command line turns each field of a recipe's Options into an option, and the workbench into a line of a form, so that
both read values in the same way and show the same help.
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


_MODEL = "MODEL"
_FORMS: Mapping[Any, tuple[str, Callable[[str], Any]]] = {
    int: ("N", int),
    float: ("X", _factor),
    tuple[float, ...]: ("X,...", _factors),
    Block: ("START:END", _block),
    tuple[Block, ...]: ("START:END,...", _blocks),
    Checkpoint: (_MODEL, str),
}
"""Notation and reader of each type of field."""

_EXPECTED = {
    "N": "a whole number",
    "X": "a number such as 0.5",
    "X,...": "a list of numbers such as 1,0.7,0.5",
    "START:END": "a block such as 12:17, with an exclusive end",
    "START:END,...": "a list of blocks such as 12:17,20:22, with exclusive ends",
}
"""Description of a valid value, for errors."""
