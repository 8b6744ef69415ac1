"""New values as YAML text."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import yaml

from engine.errors import PlanError, shown
from engine.files import is_text

Value: TypeAlias = "str | int | float | Sequence[Value] | Mapping[str, Value]"


def flow(value: Value, *, as_json: bool = False) -> str:
    """The value on one line. `as_json`: every text in double quotes, for a plan that is JSON."""
    match value:
        case str():
            return _text(value, style='"') if as_json else quoted(value)
        case int() | float():
            return number(value)
        case Mapping():
            pairs = (f"{flow(key, as_json=as_json)}: {flow(item, as_json=as_json)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return f"[{', '.join(flow(item, as_json=as_json) for item in value)}]"


def quoted(text: str) -> str:
    """A scalar that YAML reads back as this text, quoted only where it must be. Raises PlanError."""
    return _text(text, style=None if text.isprintable() else '"')


def number(value: float) -> str:
    """A finite number as YAML reads one: `1e-05` would be text. Raises PlanError."""
    if not math.isfinite(value):
        raise PlanError(f"{value} is not a factor", fix="Give a finite number.")
    return str(value) if isinstance(value, int) else _dumped(value, style=None)


def _text(text: str, *, style: str | None) -> str:
    if not is_text(text):
        raise PlanError(f"a plan cannot hold {shown(text)}", why="it is not UTF-8 text")
    return _dumped(text, style=style)


def _dumped(value: str | float, *, style: str | None) -> str:
    """As an item of a flow list, where more must be quoted than elsewhere."""
    listed = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf)
    return str(listed).strip()[1:-1]
