"""The wavefront's work for a sweep: one piece, or one for each device where several share it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from engine.inference.wavefront.visits import Visits
from engine.protocol import Report
from engine.tasks.sweeps.costs import Cost, summed
from engine.tasks.sweeps.layer_source import LayerSource


@dataclass(frozen=True)
class SharedPass:
    """Work that has been planned, and what it will cost."""

    what: str
    """In words, e.g. "selection set"."""
    works: Sequence[Any]
    """engine.inference.wavefront.work.Work of each device."""
    numbers: Sequence[Sequence[int]]
    """Which plans each of them measures."""
    is_resident: bool

    def announced(self) -> Cost:
        """What it will take; times a layer and a head. Several devices work side by side, so the slowest counts."""
        from engine.inference.wavefront.timing import expected_seconds

        plans = sum(map(len, self.numbers))
        told = {**summed([asdict(work.announced) for work in self.works]), "resident": self.is_resident, "plans": plans}
        return {"what": self.what, "announced": told, "expected_seconds": max(map(expected_seconds, self.works))}

    def run(self, report: Report, on_read: Callable[[int, Any], None]) -> dict[str, Any]:
        """on_read: called with a plan's number, or BASE, and its value on a chunk of the text. Gives "counted" and
        "seconds"."""
        from engine.inference.wavefront.division import run_divided

        def told(done: int, total: int, what: str) -> None:
            report(done, total, f"{self.what}: {what}")

        began = perf_counter()
        if len(self.works) == 1:
            counted = [self.works[0].run(told, on_read)]
        else:
            counted = run_divided(self.works, self.numbers, told, on_read)
        return {"counted": summed([asdict(each) for each in counted]), "seconds": perf_counter() - began}


def shared_pass(
    what: str, source: LayerSource, plans: Sequence[Visits], batches: Sequence[Any], reader: Callable[[], Any]
) -> SharedPass:
    """reader: makes a reader for each device. Raises like engine.inference.wavefront.work.plan_work."""
    from engine.inference.wavefront.division import divided
    from engine.inference.wavefront.work import plan_work

    parts = source.parts
    numbers = [list(range(len(plans)))]
    if len(parts) > 1 and plans:
        numbers = [each for each in divided(plans, source.spec.checkpoint.layer_count, len(parts)) if each]
    works = [
        plan_work(layers, [plans[number] for number in own], batches, reader(), source.memory, source.spec.together)
        for layers, own in zip(parts, numbers, strict=False)
    ]
    return SharedPass(what, works, numbers, source.is_resident)
