"""A pass over a text that all plans of a sweep share: divided into shares, announced, computed by an executor."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

from engine.execution.executor import Executor, Metric, OnRow, Share
from engine.execution.threads import ThreadExecutor
from engine.inference.wavefront.visits import Visits
from engine.protocol import Report, no_report
from engine.tasks.base_check import check_base
from engine.tasks.measurement import MeasurementContext
from engine.tasks.measurement_options import as_request
from engine.tasks.sweeps.costs import Cost, summed
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.shares import compute, planned
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split


@dataclass(frozen=True)
class SharedPass:
    """Shares of one pass over a text."""

    what: str
    """Description, e.g. "selection set"."""
    source: LayerSource
    shares: Sequence[Share]

    def announced(self) -> Cost:
        """Return what it will take; times one layer and one head. Devices work side by side, so the slowest counts."""
        from engine.inference.wavefront.work import expected_seconds

        works = [planned(share, layers) for share, layers in zip(self.shares, self.source.parts, strict=False)]
        plans = sum(len(share.plans) for share in self.shares)
        reported = {
            **summed([asdict(work.announced) for work in works]),
            "resident": self.source.is_resident,
            "plans": plans,
        }
        return {"what": self.what, "announced": reported, "expected_seconds": max(map(expected_seconds, works))}

    def run(self, executor: Executor, total: int, report: Report, on_row: OnRow) -> dict[str, Any]:
        """Compute all shares. total: layer-forwards announced. Return "counted" and "seconds"."""

        def reported(done: int, _total: int, what: str) -> None:
            report(done, total, f"{self.what}: {what}")

        began = perf_counter()
        counted = executor.run(self.shares, reported, on_row)
        return {"counted": summed(counted), "seconds": perf_counter() - began}


def in_threads(source: LayerSource) -> Executor:
    """Return the executor that computes on the devices of this process."""
    return ThreadExecutor([partial(_compute, source, part) for part in range(len(source.parts))])


def shared_pass(
    what: str, source: LayerSource, context: MeasurementContext, plans: Sequence[Visits], **text: Any
) -> SharedPass:
    """Divide `plans` among the devices of `source`. text: fields of Share that name the text and the metric."""
    from engine.inference.wavefront.trie import divided

    parts = len(source.parts)
    numbers = [list(range(len(plans)))]
    if parts > 1 and plans:
        numbers = [own for own in divided(plans, source.spec.checkpoint.layer_count, parts) if own]
    whole = Share(
        model=str(context.checkpoint.directory.absolute()),
        fingerprint=context.key.fingerprint,
        plans=(),
        numbers=(),
        options=as_request(context.options) | {"dtype": context.dtype},
        memory=source.memory,
        is_resident=source.is_resident,
        together=source.spec.together,
        **{"text_sha256": context.key.text_sha256, "metric": Metric.LIKELIHOOD, **text},
    )
    return SharedPass(what, source, [_share(whole, plans, own, number) for number, own in enumerate(numbers)])


def _share(whole: Share, plans: Sequence[Visits], numbers: Sequence[int], part: int) -> Share:
    own = [[(step.layer, step.scale) for step in plans[number]] for number in numbers]
    return replace(whole, plans=own, numbers=numbers, returns_base=part == 0)


def _compute(source: LayerSource, part: int, share: Share, report: Report, on_row: OnRow) -> dict[str, Any]:
    return compute(share, source.parts[part], report, on_row)


def check_base_of(spec: SweepSpec, source: LayerSource, report: Report = no_report) -> None:
    """Check the base on the selection set, unless the store has the result. Raises like running the layers."""
    from engine.inference.base_check import in_pieces

    read = partial(in_pieces, partial(_nll, source), spec.options.batch_size)

    def nll(batches: Any) -> Any:
        report(0, 1, "check of the base")
        losses = read(batches)
        report(1, 1, "check of the base")
        return losses

    check_base(spec.on(Split.SELECTION), nll)


def _nll(source: LayerSource, batches: Sequence[Any]) -> list[Any]:
    from engine.inference.base_check import BaseReader
    from engine.inference.wavefront.work import plan_work

    losses: list[Any] = []
    work = plan_work(source.layers, [], batches, BaseReader(), source.memory)
    work.run(no_report, lambda _plan, read: losses.extend(read))
    return losses
