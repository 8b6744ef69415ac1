"""The check of a sweep's base, through the same layers as its plans."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from engine.protocol import Report, no_report
from engine.tasks.base_check import check_base
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split


def check_base_of(spec: SweepSpec, source: LayerSource, report: Report = no_report) -> None:
    """On the selection set, unless the store knows it. Raises whatever running the layers raises."""
    report(0, 1, "check of the base")
    check_base(spec.on(Split.SELECTION), partial(_nll, source))
    report(1, 1, "check of the base")


def _nll(source: LayerSource, batches: Sequence[Any]) -> list[Any]:
    from engine.inference.base_check import BaseReader
    from engine.inference.wavefront.work import plan_work

    found: list[Any] = []
    work = plan_work(source.layers, [], batches, BaseReader(), source.memory)
    work.run(no_report, lambda _plan, read: found.extend(read))
    return found
