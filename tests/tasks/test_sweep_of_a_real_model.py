"""A sweep says of SmolLM2 what is known of it: without a layer it is worse, inert copies change nothing."""

from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.plan.spaces import blocks
from engine.protocol import no_report
from engine.tasks import sweep
from tests.tasks.conftest import part, plan_of
from tests.tasks.sweeping import as_plans


@pytest.mark.real_model
def test_a_removed_layer_is_called_worse_and_an_inert_copy_no_different(smollm2: Path, tmp_path: Path) -> None:
    removed = {"name": "without 1", "text": plan_of(part(smollm2, 0, 1), part(smollm2, 2, 30))}
    (inert,) = as_plans([blocks.repeated(open_checkpoint(smollm2), (10, 12), 0.0)])
    request = {"model": str(smollm2), "reference": str(smollm2), "home": str(tmp_path), "device": "cpu"}
    small = {"tokens": 16 * 24, "seq_len": 24, "dtype": "float32", "metrics": False}
    found = sweep.run({**request, **small, "space": "two", "plans": [removed, inert], "top": 2}, no_report)
    worse, same = (
        next(plan for plan in found["shortlist"] if plan["name"] == each) for each in ("without 1", "10:12 x0")
    )
    assert worse["interval95"][0] > 0
    assert worse["holm_p"] < 0.05
    assert same["delta_nll"] == pytest.approx(0, abs=1e-6)
    assert (found["winner"]["name"], found["winner"]["verdict"]) == ("10:12 x0", "no difference")
