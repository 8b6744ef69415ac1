"""What goes over the line when one pane follows another, in a window of usual size."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dlec_tui.main_screen import PANES
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.state import Session, save_session
from tests.jobs.workplace import plan_text
from tests.terminal.conftest import DLEC, around
from tests.terminal.ptys import Terminal, terminal
from tests.tiny import write_llama
from tests.tui.conftest import submitted_job
from tests.tui.measured_store import LAYERS, REFERENCE, fill_measured

pytestmark = pytest.mark.bench

COLUMNS, ROWS = 120, 36
LEAST_BYTES, MOST_BYTES = 2_000, 45_000
QUIET_SECONDS = 1.5
"""After which a pane is surely drawn, and the session saved."""


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Terminal]:
    """Over a model that was measured, a plan of it, and a job."""
    store = tmp_path / "dlec.sqlite"
    fill_measured(store)
    submitted_job(store)
    plan = PlanDocument().edited(plan_text(write_llama(tmp_path / "model", layers=LAYERS), (0, 8), (4, 12)), "typing")
    save_session(store, Session(reference=REFERENCE, document=plan))
    with terminal([*DLEC, "--theme", "ansi-dark"], around(tmp_path), tmp_path, COLUMNS, ROWS) as opened:
        opened.wait_for(REFERENCE, "quit")
        opened.rest(QUIET_SECONDS)
        yield opened


def test_a_pane_takes_45_kilobytes(screen: Terminal) -> None:
    numbers = [f"{number}" for number in range(1, len(PANES) + 1)]
    first = {number: sent(screen, number) for number in [*numbers[1:], numbers[0]]}
    again = {number: sent(screen, number) for number in [*reversed(numbers), numbers[0]]}
    print(f"\nbytes for a pane, the first time {first}, again {again}")
    assert max(first.values()) <= MOST_BYTES
    assert min(again.values()) > LEAST_BYTES  # they are all drawn
    assert max(again.values()) <= MOST_BYTES


def sent(screen: Terminal, keys: str) -> int:
    """Bytes that come after these keys."""
    before = len(screen.output)
    screen.press(keys)
    screen.rest(QUIET_SECONDS)
    return len(screen.output) - before
