"""Threads over devices: every share is computed, rows come one at a time, the first error ends all."""

import threading
import time
from dataclasses import replace

import pytest

from engine.execution.executor import BASE_NUMBER, Row
from engine.execution.threads import ThreadExecutor
from engine.protocol import no_report
from tests.execution.test_share import SHARE


def share(*numbers):
    return replace(SHARE, plans=[[(0, 1.0)]] * len(numbers), numbers=numbers)


def device(share, report, on_row):
    """Every plan in two pieces, after the base."""
    for done, is_last in enumerate((False, True), start=1):
        for number in (BASE_NUMBER, *share.numbers):
            on_row(Row(number, {"nll": [float(done)]}, is_last))
        report(done, 2, "layers")
    return {"layer_forwards": 2}


def test_all_shares_are_computed_and_every_row_is_passed_on():
    rows, reported = [], []
    counts = ThreadExecutor([device, device]).run(
        [share(0, 2), share(1)], lambda *entry: reported.append(entry), rows.append
    )
    assert counts == [{"layer_forwards": 2}] * 2
    assert sorted(row.plan for row in rows if row.plan != BASE_NUMBER) == [0, 0, 1, 1, 2, 2]
    assert [row.values["nll"] for row in rows if row.plan == 1] == [[1.0], [2.0]]
    assert reported[-1] == (4, 4, "layers run; 3 of 3 plans done")


def test_one_share_is_computed_in_the_thread_that_asks():
    threads = []
    ThreadExecutor([device]).run([share(0)], lambda *_: threads.append(threading.current_thread()), lambda _row: None)
    assert set(threads) == {threading.current_thread()}


def test_rows_never_come_from_two_threads_together():
    inside = []

    def on_row(_row):
        inside.append(1)
        assert sum(inside) == 1
        time.sleep(0.001)
        inside.pop()

    ThreadExecutor([device, device]).run([share(*range(9)), share(*range(9, 18))], no_report, on_row)


def test_what_fails_on_one_device_ends_the_others():
    reports = []

    def endless(_share, report, _on_row):
        while True:
            reports.append(1)
            report(0, 1, "layers")
            time.sleep(0.001)

    def broken(_share, _report, _on_row):
        raise OSError("the store is full")

    with pytest.raises(OSError, match="store is full"):
        ThreadExecutor([endless, broken]).run([share(0), share(1)], no_report, lambda _row: None)
    assert reports
