"""Executor of one process: a thread for each device."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock

from engine.execution.executor import BASE_NUMBER, Compute, Counts, OnRow, Row, Share
from engine.protocol import Report


@dataclass(frozen=True)
class ThreadExecutor:
    """Runs shares side by side, the first on the first device and so on."""

    devices: Sequence[Compute]
    """Functions that compute a share, one for each device."""

    def run(self, shares: Sequence[Share], report: Report, on_row: OnRow) -> list[Counts]:
        """See Executor.run. The first error ends the other shares at their next report."""
        together = _Together(shares, report, on_row)
        if len(shares) == 1:
            return [together.run(0, self.devices[0])]
        with ThreadPoolExecutor(len(shares), "devices") as threads:
            runs = [threads.submit(together.run, part, self.devices[part]) for part in range(len(shares))]
        failures = [run.exception() for run in runs]
        first = next((each for each in failures if each is not None and not isinstance(each, _Stopped)), None)
        if first is not None:
            raise first
        return [run.result() for run in runs]


class _Stopped(Exception):  # noqa: N818
    """Another device has failed."""


class _Together:
    """Several shares that report as one."""

    def __init__(self, shares: Sequence[Share], report: Report, on_row: OnRow) -> None:
        self._shares = shares
        self._report = report
        self._on_row = on_row
        self._done = [0] * len(shares)
        self._totals = [0] * len(shares)
        self._plans_done = 0
        self._lock = Lock()
        self._failed = Event()

    def run(self, part: int, compute: Compute) -> Counts:
        try:
            return compute(self._shares[part], self._report_of(part), self._keep)
        except BaseException:
            self._failed.set()
            raise

    def _report_of(self, part: int) -> Report:
        plans = sum(len(share.plans) for share in self._shares)

        def report(done: int, total: int, _what: str) -> None:
            if self._failed.is_set():
                raise _Stopped
            with self._lock:
                self._done[part], self._totals[part] = done, total
                what = f"layers run; {self._plans_done} of {plans} plans done"
                self._report(sum(self._done), sum(self._totals), what)

        return report

    def _keep(self, row: Row) -> None:
        with self._lock:
            self._plans_done += row.is_last and row.plan != BASE_NUMBER
            self._on_row(row)
