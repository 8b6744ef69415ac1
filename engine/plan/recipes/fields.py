"""What a recipe can be told, field by field, for whoever asks a user for it.

The command line makes an option of each field of a recipe's Options and the workbench a line of a form: both know every
recipe, read values alike, and say the same of them.
"""

import ast
import dataclasses
import inspect
import math
import textwrap
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
    """One thing that a recipe can be told."""

    name: str
    """As in the recipe's Options, e.g. "backward_jump"."""
    form: str
    """How a value is written: "N", "START:END", "one|other"."""
    help: str
    """One sentence; says what happens where the default is None."""
    default: Any
    """dataclasses.MISSING where a value must be given; None where the recipe chooses, by the model's depth."""
    _reader: Callable[[str], Any]

    @property
    def is_required(self) -> bool:
        return self.default is MISSING

    @property
    def is_model(self) -> bool:
        """Whether the value is a checkpoint, to be opened from the reference that is written."""
        return self.form == _MODEL

    def read(self, text: str) -> Any:
        """The value that `text` means; a model's reference is left as it is. Raises UsageError."""
        try:
            return self._reader(text.strip())
        except ValueError as error:
            wanted = _WORDS.get(self.form) or f"one of {self.form.replace('|', ', ')}"
            raise UsageError(f"{shown(text)} is not {wanted}") from error

    def written(self, value: Any) -> str:
        """The text that `read` reads as `value`; "" for None and for nothing."""
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
    """The fields of a recipe's Options, in order."""
    hints, docstrings = get_type_hints(options), _docstrings(options)
    return tuple(_field(field, hints[field.name], docstrings[field.name]) for field in dataclasses.fields(options))


def _field(field: dataclasses.Field[Any], hint: Any, docstring: str) -> Field:
    wanted = next(iter(set(get_args(hint)) - {NoneType}), hint) if NoneType in get_args(hint) else hint
    form, reader = _choice(wanted) if isinstance(wanted, type) and issubclass(wanted, StrEnum) else _FORMS[wanted]
    return Field(field.name, form, docstring, field.default, reader)


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
"""How each type of field is written, and what reads it."""

_WORDS = {
    "N": "a whole number",
    "X": "a number such as 0.5",
    "X,...": "numbers such as 1,0.7,0.5",
    "START:END": "two numbers such as 12:17, the end exclusive",
    "START:END,...": "blocks such as 12:17,20:22, the ends exclusive",
}
"""What a value is called that is not one of several words."""


def _docstrings(options: type[Any]) -> dict[str, str]:
    """Field name to the text below it in the source, on one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(options))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(docstring))):
                found[name] = " ".join(docstring.split())
    return found
