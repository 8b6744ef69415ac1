"""The check of a sweep's base, through the same layers as its plans."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from engine.protocol import silent
from engine.tasks.base_check import check_base
from engine.tasks.sweeps.asking import Asked
from engine.tasks.sweeps.sources import Source
from engine.tasks.sweeps.works import shared_work
from engine.text.corpus import Split


def check_base_of(asked: Asked, source: Source) -> None:
    """On the selection set, unless the store knows it. Raises whatever running the layers raises."""
    check_base(asked.on(Split.SELECTION), partial(_nll, source))


def _nll(source: Source, batches: Sequence[Any]) -> list[Any]:
    from engine.inference.base_check import BaseReader

    found: list[Any] = []
    work = shared_work("check of the base", source, [], batches, BaseReader)
    work.run(silent, lambda _plan, read: found.extend(read))
    return found
