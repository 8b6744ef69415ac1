"""Bare `dlec`: how long until the models stand on a terminal, and its memory once a profile and a plan are open."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.remembered import Session, save_session
from tests.jobs.workplace import plan_text
from tests.terminal.conftest import DLEC, around
from tests.terminal.ptys import Terminal, terminal
from tests.tiny import write_llama
from tests.tui.measured_store import LAYERS, REFERENCE, fill_measured

pytestmark = pytest.mark.bench

ROUNDS = 7
MOST_SECONDS, MOST_MEGABYTES = 0.6, 70


@contextmanager
def opened(home: Path) -> Iterator[Terminal]:
    with terminal(DLEC, around(home), home) as screen:
        yield screen
        screen.press("q")
        screen.exit_code()


def test_the_first_paint_takes_six_tenths_of_a_second(tmp_path: Path) -> None:
    fill_measured(tmp_path / "dlec.sqlite")
    save_session(tmp_path / "dlec.sqlite", Session())
    paints = [first_paint(tmp_path) for _ in range(ROUNDS)]
    print(f"\nfirst paint: {', '.join(f'{seconds:.2f}' for seconds in paints)} s")
    assert min(paints) <= MOST_SECONDS


def first_paint(home: Path) -> float:
    """Seconds from the start of the process."""
    began = time.perf_counter()
    with opened(home) as screen:
        screen.wait_for(REFERENCE, "quit")
        return time.perf_counter() - began


def test_with_a_profile_and_a_plan_open_it_holds_70_megabytes(tmp_path: Path) -> None:
    store = tmp_path / "dlec.sqlite"
    fill_measured(store)
    model = write_llama(tmp_path / "model", layers=LAYERS)
    plan = PlanDocument().edited(plan_text(model, (0, 8), (4, 12)), "typing")
    save_session(store, Session(reference=REFERENCE, document=plan))
    with opened(tmp_path) as screen:
        screen.wait_for(REFERENCE, "quit")
        for keys, drawn in (
            ("2", "block influence"),
            ("v", "blocks"),
            ("v", "layer"),
            ("v", "neuron"),
            ("3", "[4, 12]"),
        ):
            screen.press(keys)
            screen.wait_for(drawn)
            screen.rest()
        most = megabytes(screen.process.pid)
    print(f"\nwith a profile and a plan open: {most:.0f} MB")
    assert most <= MOST_MEGABYTES


def megabytes(process: int) -> float:
    """The most that were ever resident."""
    kibibytes = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    assert kibibytes
    return int(kibibytes[1]) * 1024 / 1e6
