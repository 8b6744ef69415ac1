"""What sweeps measured of blocks is a map among the others, also where nothing else was measured."""

from array import array
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dlec_tui.measurements.measured import read_measured
from engine.store.database import open_for_writing
from engine.store.models import ModelRow, save_model
from engine.store.plan_measurements import PlanMeasurement, save_measurement
from engine.store.sweeps import StoredPlan, StoredSweep, save_sweep
from tests.tui.measured_store import KEY, REFERENCE, fill_measured

BLOCKS = {(0, 1): 0.5, (3, 4): 0.1, (3, 5): 0.2}


def sweep(store: Path) -> None:
    """Every block of BLOCKS once more, and one of them scaled."""
    plans = [StoredPlan(f"{i}:{j}", f"0-{j - 1} {i}-11", "slices: []", i, j, 1.0) for i, j in BLOCKS]
    scaled = StoredPlan("3:4 x0.5", "0-3 3*0.5 4-11", "slices: []", 3, 4, 0.5)
    harms = [*BLOCKS.values(), 9.0]
    with closing(open_for_writing(store)) as db:
        save_model(db, ModelRow("12", REFERENCE, "llama", 12, 64, 1_000_000, 2_000_000))
        for plan, harm in zip([*plans, scaled], harms, strict=True):
            nll = array("f", [3.0, 3.0])
            save_measurement(db, KEY, PlanMeasurement(plan.visits, 3.0, harm, 0.01, 0.0, 1.0, 0.5, 0.1, 0.9, 2, nll))
        key = replace(KEY, split="heldout")
        save_sweep(db, StoredSweep("5eed", REFERENCE, "blocks", "text", KEY, key, (*plans, scaled), 1, False))


@pytest.mark.parametrize("is_profiled", [True, False])
def test_blocks_of_sweeps_are_a_map_of_the_text_that_they_were_measured_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_profiled: bool
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-hub-cache"))
    store = tmp_path / "dlec.sqlite"
    if is_profiled:
        fill_measured(store)
    sweep(store)
    found = read_measured(store, REFERENCE)
    assert found is not None
    (text,) = (text for text in found.texts if text.key == KEY)
    (swept,) = (each for each in text.maps if each.name == "swept duplication")
    assert swept.values == BLOCKS
