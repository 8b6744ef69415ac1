"""Distribution of a sweep over devices: branches of the trie are distributed, and every device runs the base."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Any, TypeVar

from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.trie import ROOT, Trie, trie_of
from engine.inference.wavefront.visits import BASE, Visits
from engine.inference.wavefront.work import OnRead, Work
from engine.protocol import Report

Value = TypeVar("Value")

HEAD_IN_LAYERS = 4.0
"""Default cost of reading a plan, in layer runs."""


def divided(
    plans: Sequence[Visits], layer_count: int, parts: int, head_in_layers: float = HEAD_IN_LAYERS
) -> list[list[int]]:
    """Return the plan numbers for each of `parts` devices, balanced by work; a part may be empty.

    Plans that leave the base at the same edge stay together, so only the base's layers are run more than once. Branches
    are assigned by decreasing size, each to the device with the least work.
    """
    trie = trie_of(plans, layer_count)
    shares: list[list[int]] = [[] for _ in range(parts)]
    loads = [0.0] * parts
    branches = _branches(trie, head_in_layers)
    for branch in sorted(branches, key=lambda branch: -branches[branch][0]):
        weight, numbers = branches[branch]
        lightest = min(range(parts), key=lambda part: loads[part])
        loads[lightest] += weight
        shares[lightest] += numbers
    return [sorted(share) for share in shares]


def run_divided(
    works: Sequence[Work[Value]], numbers: Sequence[Sequence[int]], report: Report, on_read: OnRead[Value]
) -> list[Counted]:
    """Run the works of several devices in parallel. numbers: global numbers of the plans of each work.

    The base is reported once, by the first device. The first error stops all works at their next edge and is raised.
    """
    together = _Together(works, numbers, report, on_read)
    with ThreadPoolExecutor(len(works), "devices") as threads:
        runs = [threads.submit(together.run, part) for part in range(len(works))]
    failures = [run.exception() for run in runs]
    first = next((error for error in failures if error is not None and not isinstance(error, _Stopped)), None)
    if first is not None:
        raise first
    return [run.result() for run in runs]


def _branches(trie: Trie, head_in_layers: float) -> dict[int, tuple[float, list[int]]]:
    """Return work in layer runs and plans of each branch, by the first node off the base.

    A plan that is a prefix of the base is a branch by itself.
    """
    on_base = {ROOT, *trie.base_path}
    branch_of = [ROOT] * len(trie.steps)
    works: dict[int, float] = defaultdict(float)
    plans: dict[int, list[int]] = defaultdict(list)
    for node in range(1, len(trie.steps)):
        parent = trie.parents[node]
        branch = branch_of[node] = node if node in on_base or parent in on_base else branch_of[parent]
        works[branch] += node not in on_base
        if node in trie.ending:
            works[branch] += head_in_layers
            plans[branch] += [number for number in trie.ending[node] if number != BASE]
    return {branch: (works[branch], numbers) for branch, numbers in plans.items() if numbers}


class _Stopped(Exception):  # noqa: N818
    """Another device has failed."""


class _Together:
    """Parallel runs with common reporting."""

    def __init__(
        self, works: Sequence[Work[Any]], numbers: Sequence[Sequence[int]], report: Report, on_read: OnRead[Any]
    ) -> None:
        self._works = works
        self._numbers = numbers
        self._report = report
        self._on_read = on_read
        self._done = [0] * len(works)
        self._read = [0] * len(works)
        """Plans read per part, counted once per chunk."""
        self._lock = Lock()
        self._failed = Event()

    def run(self, part: int) -> Counted:
        try:
            return self._works[part].run(self._report_of(part), self._reader_of(part))
        except BaseException:
            self._failed.set()
            raise

    def _report_of(self, part: int) -> Report:
        total = sum(work.announced.layer_forwards for work in self._works)
        plans = sum(map(len, self._numbers))

        def report(done: int, _total: int, _what: str) -> None:
            if self._failed.is_set():
                raise _Stopped
            with self._lock:
                self._done[part] = done
                self._report(sum(self._done), total, f"layers run; {self._plans_done} of {plans} plans done")

        return report

    @property
    def _plans_done(self) -> int:
        """Number of plans that were read on their last chunk."""
        parts = zip(self._works, self._numbers, self._read, strict=True)
        return sum(max(0, read - (len(work.chunks) - 1) * len(numbers)) for work, numbers, read in parts)

    def _reader_of(self, part: int) -> OnRead[Any]:
        def on_read(plan: int, value: Any) -> None:
            with self._lock:
                if plan != BASE:
                    self._read[part] += 1
                    self._on_read(self._numbers[part][plan], value)
                elif part == 0:
                    self._on_read(BASE, value)

        return on_read
