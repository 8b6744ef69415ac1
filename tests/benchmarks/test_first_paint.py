"""Bare `dlec`: how long until the models stand on a terminal, and its memory once a profile and a plan are open."""

import compileall
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest

import dlec_tui
import engine
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.state import Session, save_session
from tests.jobs.workplace import plan_text
from tests.terminal.conftest import DLEC, around
from tests.terminal.ptys import Terminal, terminal
from tests.tiny import write_llama
from tests.tui.measured_store import LAYERS, REFERENCE, fill_measured

pytestmark = pytest.mark.bench

ROUNDS = 7
MOST_SECONDS, MOST_MEGABYTES = 0.6, 70
LEAST_APP = """
from textual.app import App
from textual.widgets import Static

class Least(App):
    BINDINGS = [("q", "quit", "")]

    def compose(self):
        yield Static("the least that an app can show")

Least().run()
"""


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """As pip leaves a package that it installs."""
    for package in (dlec_tui, engine):
        compileall.compile_dir(package.__path__[0], quiet=1)


@contextmanager
def opened(home: Path, command: Sequence[str] = DLEC) -> Iterator[Terminal]:
    with terminal(command, around(home), home) as screen:
        yield screen
        screen.press("q")
        screen.exit_code()


def test_the_first_paint_takes_six_tenths_of_a_second(tmp_path: Path) -> None:
    fill_measured(tmp_path / "dlec.sqlite")
    save_session(tmp_path / "dlec.sqlite", Session())
    least, ours = [], []
    for _ in range(ROUNDS):
        least.append(first_paint(tmp_path, [sys.executable, "-c", LEAST_APP], "the least"))
        ours.append(first_paint(tmp_path, DLEC, REFERENCE, "quit"))
    for name, taken in (("dlec", ours), ("Textual alone", least)):
        print(f"\nfirst paint of {name}: best {min(taken):.2f} s, median {median(taken):.2f} s", end="")
    print(f"\nratio of the best {min(ours) / min(least):.2f}, of the medians {median(ours) / median(least):.2f}")
    assert min(ours) <= MOST_SECONDS


def first_paint(home: Path, command: Sequence[str], *texts: str) -> float:
    """Seconds from the start of the process until all of them are drawn."""
    began = time.perf_counter()
    with opened(home, command) as screen:
        screen.wait_for(*texts)
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
            ("3", "4:12"),
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
