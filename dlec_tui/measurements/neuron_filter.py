"""What a user types to see only some neurons: "layer 3-5 peak>10 the moon"."""

import math
import re

from engine.errors import UsageError, shown
from engine.store.neuron_search import Between, Column, Condition, PeaksAt

HINT = "layer 3-5, peak>10, active<0.01, mean, variance, count; other words stand around the peak"

_COLUMNS = {column.value: column for column in Column} | {"active": Column.SHARE_ACTIVE, "var": Column.VARIANCE}
_NUMBER = r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?"
_SPAN = re.compile(r"\blayers?\s*[=:]?\s*(\d+)(?:\s*-\s*(\d+))?(?=\s|$)", re.IGNORECASE)
_BOUND = re.compile(rf"\b([a-z_]+)\s*(<=|>=|<|>|=)\s*({_NUMBER})(?=\s|$)", re.IGNORECASE)


def conditions_from(text: str) -> tuple[Condition, ...]:
    """All of which have to be met; none for "". Raises UsageError for a column that is none."""
    spans = [Between(Column.LAYER, int(first), int(last or first)) for first, last in _SPAN.findall(text)]
    rest = _SPAN.sub(" ", text)
    bounds = [_bound(*found) for found in _BOUND.findall(rest)]
    words = " ".join(_BOUND.sub(" ", rest).replace('"', " ").split())
    return (*spans, *bounds, *([PeaksAt(words)] if words else []))


def wrong_with(text: str) -> str:
    """Why it is no filter; "" when it is one."""
    try:
        conditions_from(text)
    except UsageError as error:
        return str(error)
    return ""


def _bound(name: str, sign: str, number: str) -> Between:
    column = _COLUMNS.get(name.lower())
    if column is None:
        raise UsageError(f"neurons have no {shown(name)}", fix=f"They have {', '.join(sorted(_COLUMNS))}.")
    value = float(number)
    low = {"=": value, ">=": value, ">": math.nextafter(value, math.inf)}.get(sign)
    high = {"=": value, "<=": value, "<": math.nextafter(value, -math.inf)}.get(sign)
    return Between(column, low, high)
