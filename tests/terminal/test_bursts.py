"""Keys that reach the program in one read, as over a slow line."""

from pathlib import Path

from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.state import Session, save_session
from tests.jobs.workplace import Workplace
from tests.terminal.conftest import Opened
from tests.tui.plan_pane import TWICE, model_in


def test_keys_that_come_together_act_where_they_are_seen_to_act(
    place: Workplace, screen: Opened, tmp_path: Path
) -> None:
    """`4x` deletes nothing of the plan that was left; what is typed ahead is in the prompt and in the palette."""
    text = TWICE.format(model=model_in(tmp_path))
    save_session(place.store, Session(pane="plan", document=PlanDocument().opened(text, None)))
    terminal = screen()
    terminal.wait_for("slices: 2")
    terminal.rest()
    terminal.press("4x")
    terminal.wait_for("No jobs.")
    terminal.press("/async")
    terminal.wait_for("filter jobs", "async")
    terminal.press("\r\x10hist")
    terminal.wait_for("hist", "histogram")
    terminal.press("\x1b")
    terminal.rest()
    terminal.press("3")
    terminal.wait_for("slices: 2")
    terminal.press("31a")
    terminal.wait_for("directory (Tab completes) or hub id")
