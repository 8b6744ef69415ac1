"""Reads marked tokens: how likely a plan finds an answer behind its prompt, for probes."""

from typing import NamedTuple


class Span(NamedTuple):
    """Tokens [start, end) of one row of a batch; the first token of a row is predicted by nothing, so start >= 1."""

    row: int
    start: int
    end: int
