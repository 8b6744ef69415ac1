"""Filter of the neuron table: "layer 3-5, |peak|>10, active<1%, the moon"."""

import math
import re
from collections.abc import Iterable, Iterator

from engine.errors import UsageError, shown
from engine.store.neurons import Between, Column, Condition, PeaksAt

HINT = "layer 3-5, neuron 12, |peak|>10, active<1%, mean, variance, count; other words search the text at the peak"

_COLUMNS = {column.value: column for column in Column} | {"active": Column.SHARE_ACTIVE, "var": Column.VARIANCE}
_QUOTED = re.compile(r'"([^"]*)"')
_MOST = 2**62
"""Limit of SQLite's integers."""
_SIGN = r"<=|>=|<|>|="
_END = r"(?=[\s,;]|$)"
_SPAN = re.compile(rf"(?<![\w|])(layer|neuron)s?\s*[=:]?\s*(\d+)(?:\s*-\s*(\d+))?{_END}", re.IGNORECASE)
_BOUND = re.compile(rf"(\|?[a-z_]+\|?)\s*({_SIGN})\s*([^\s,;]*)", re.IGNORECASE)
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(%?)", re.IGNORECASE)


def conditions_from(text: str) -> tuple[Condition, ...]:
    """Conditions that must all hold. Raises UsageError for invalid ones."""
    quoted, unquoted = _QUOTED.findall(text), _QUOTED.sub(" ", text)
    spans = [_span(*match) for match in _SPAN.findall(unquoted)]
    rest = _SPAN.sub(" ", unquoted)
    bounds = [_bound(*match) for match in _BOUND.findall(rest)]
    texts = [*map(_words, quoted), _words(_BOUND.sub(" ", rest).replace('"', " "))]
    return (*spans, *bounds, *(PeaksAt(words) for words in texts if words))


def in_words(conditions: Iterable[Condition]) -> Iterator[str]:
    """Conditions in words: "layer 3 to 5", "|peak| above 10"."""
    for condition in conditions:
        match condition:
            case PeaksAt(words):
                yield f"the text around the peak contains {shown(words)!r}"
            case Between(column, low, high):
                name = "|peak|" if column is Column.PEAK else str(column).replace("_", " ")
                bounds = (f"{word} {bound:.6g}" for word, bound in (("from", low), ("to", high)) if bound is not None)
                yield f"{name} {low:g}" if low == high and low is not None else f"{name} {' '.join(bounds)}"


def wrong_with(text: str) -> str:
    """Error in a filter; "" if it is valid."""
    try:
        conditions_from(text)
    except UsageError as error:
        return str(error)
    return ""


def _words(text: str) -> str:
    """Search text without the commas that separate it from conditions."""
    return " ".join(word for word in text.split() if word.strip(",;")).strip(" ,;")


def _span(name: str, first: str, last: str) -> Between:
    low, high = int(first), int(last or first)
    if high < low:
        raise _unknown(f"{name} {first}-{last}", f"the range is reversed; did you mean {name} {last}-{first}?")
    if high >= _MOST:
        raise _unknown(f"{name} {first}", "the number is too large")
    return Between(_COLUMNS[name.lower()], low, high)


def _bound(name: str, sign: str, number: str) -> Between:
    column = _COLUMNS.get(name.lower().strip("|"))
    if column is None:
        raise _unknown(f"{name}{sign}{number}", f"neurons have no column {shown(name)}")
    value = _value(number)
    if value is None:
        raise _unknown(f"{name}{sign}{number}", f"{shown(number) or 'nothing'} is not a number")
    if column is Column.PEAK and value < 0:
        raise _unknown(
            f"{name}{sign}{number}", f"peaks are compared by absolute value; did you mean |peak|>{-value:g}?"
        )
    low = {"=": value, ">=": value, ">": math.nextafter(value, math.inf)}.get(sign)
    high = {"=": value, "<=": value, "<": math.nextafter(value, -math.inf)}.get(sign)
    return Between(column, low, high)


def _value(number: str) -> float | None:
    """Value of a number or percentage; None if it is invalid."""
    match = _NUMBER.fullmatch(number)
    value = float(match[1]) / (100 if match[2] else 1) if match else math.nan
    return value if math.isfinite(value) else None


def _unknown(condition: str, why: str) -> UsageError:
    fix = f"Columns: {', '.join(sorted(_COLUMNS))}. Example: layer 3-5, |peak|>10, active<1%."
    return UsageError(f"unknown condition: {shown(condition)}", why=why, fix=fix)
