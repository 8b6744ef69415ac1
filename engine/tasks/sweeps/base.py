"""The check of a sweep's base, through the same layers as its plans."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from engine.protocol import no_report
from engine.tasks.base_check import check_base
from engine.tasks.sweeps.execution import shared_pass
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split


def check_base_of(spec: SweepSpec, source: LayerSource) -> None:
    """On the selection set, unless the store knows it. Raises whatever running the layers raises."""
    check_base(spec.on(Split.SELECTION), partial(_nll, source))


def _nll(source: LayerSource, batches: Sequence[Any]) -> list[Any]:
    from engine.inference.base_check import BaseReader

    found: list[Any] = []
    work = shared_pass("check of the base", source, [], batches, BaseReader)
    work.run(no_report, lambda _plan, read: found.extend(read))
    return found
