"""The parts of a sweep that compute nothing: names of visits, rankings, costs."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from engine.inference.wavefront.visits import Step, base_visits
from engine.tasks.sweeps.costs import added, announced_line
from engine.tasks.sweeps.ranking import ranked
from engine.tasks.sweeps.sweep_spec import visits_text

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("visits", "text"),
    [
        (base_visits(30), "0-29"),
        (base_visits(1), "0"),
        ([*base_visits(3), Step(1), Step(2), Step(3)], "0-2 1-3"),
        ([Step(0), Step(0), Step(0, 0.5), Step(1, 0.5), Step(2)], "0 0 0-1*0.5 2"),
        ([Step(2), Step(1), Step(0, -1.0)], "2 1 0*-1.0"),
    ],
)
def test_visits_are_named_so_that_a_person_can_read_them(visits, text: str) -> None:
    assert visits_text(visits) == text


def test_scales_that_differ_in_the_last_digit_are_different_plans() -> None:
    assert visits_text([Step(0, 0.1 + 0.2)]) != visits_text([Step(0, 0.3)])


BLOCKS = {(start, start + width): float(start) for width in (1, 2) for start in range(5)}


def test_a_metric_that_orders_as_the_harm_does_is_ranked_1_over_all_and_each_width() -> None:
    opposite = {block: -harm for block, harm in BLOCKS.items()}
    found = list(ranked({"same": BLOCKS, "opposite": opposite}, BLOCKS))
    assert [(each.metric, each.width, each.blocks) for each in found[::2]] == [
        ("same", 0, 10),
        ("same", 1, 5),
        ("same", 2, 5),
    ]
    assert all(each.spearman == pytest.approx(1 if each.metric == "same" else -1) for each in found)


def test_blocks_without_a_number_are_left_out_and_too_few_are_not_ranked() -> None:
    some = {block: harm if block[0] < 3 else math.nan for block, harm in BLOCKS.items()}
    assert [(each.width, each.blocks) for each in ranked({"some": some}, BLOCKS)] == [(0, 6)]


def test_blocks_of_one_width_are_ranked_once() -> None:
    singles = {block: harm for block, harm in BLOCKS.items() if block[1] - block[0] == 1}
    assert [each.width for each in ranked({"same": singles}, singles)] == [1]


def cost(**announced: object):
    told = {"layer_forwards": 10, "heads": 3, "chunks": 1, "passes": 2, "layer_reads": 0, "read_bytes": 0}
    counted = {"layer_forwards": 10, "seconds": {"layers": 0.5}}
    told |= {"resident": True, "plans": 2, **announced}
    return {"what": "selection set", "announced": told, "counted": counted, "expected_seconds": 4.0, "seconds": 5.0}


def test_what_it_takes_is_one_line() -> None:
    assert announced_line(cost()) == (
        "announced: selection set, 2 plans: 10 layer-forwards and 3 heads, layers in memory, text in 1 piece, about 4 s"
    )
    streamed = cost(resident=False, layer_reads=60, read_bytes=7 * 10**9, chunks=3, plans=1)
    assert "1 plan: " in announced_line(streamed)
    assert "60 layers read from the files (7.00 GB) in 2 x 3 passes" in announced_line(streamed)


def test_pieces_of_a_text_are_added_and_plans_counted_once() -> None:
    both = added([cost(), cost(plans=1)])
    assert (both["announced"]["layer_forwards"], both["announced"]["plans"]) == (20, 2)
    assert both["counted"]["seconds"] == {"layers": 1.0}
    assert (both["expected_seconds"], both["seconds"]) == (8.0, 10.0)


def test_nothing_of_what_a_report_needs_loads_torch() -> None:
    """It is what the command line and the screen read a sweep with."""
    code = "import sys, engine.tasks.sweeps.reporting, engine.tasks.sweeps.sweep_spec; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
