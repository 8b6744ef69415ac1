"""The protocol of whatever computes the shares of a sweep: threads here, other processes or machines elsewhere."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from engine.execution.share import Counts, Row, Share
from engine.protocol import Report

OnRow: TypeAlias = Callable[[Row], None]
"""Called with one row at a time, never from two threads together. It may raise to end the run."""

Compute: TypeAlias = Callable[[Share, Report, OnRow], Counts]
"""Computes one share."""


class Executor(Protocol):
    """Computes shares. It neither reads nor writes the store: the caller keeps the rows."""

    def run(self, shares: Sequence[Share], report: Report, on_row: OnRow) -> list[Counts]:
        """Compute all shares and return what was done for each, in their order.

        report: called with the layer-forwards done by all shares and their total. The first error ends the run and is
        raised.
        """
