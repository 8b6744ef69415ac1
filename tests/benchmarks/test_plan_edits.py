"""An edit of a plan with 500 slices takes milliseconds, the reading of its text included."""

import time
from statistics import median

import pytest

from engine.plan.edits import delete_slice, duplicate_slice, move_slice, set_range, set_scale, slices_of, split_slice
from engine.plan.recipes.text import SliceText, plan_text
from engine.plan.syntax.tree import read_trees

MOST_MILLISECONDS = 25
PLAN = plan_text(["500 slices"], "org/model", [SliceText(start % 30, start % 30 + 2, "two") for start in range(500)])

EDITS = {
    "duplicate": lambda: duplicate_slice(PLAN, 250),
    "delete": lambda: delete_slice(PLAN, 250),
    "move": lambda: move_slice(PLAN, 0, 499),
    "range": lambda: set_range(PLAN, 250, 1, 9),
    "split": lambda: split_slice(PLAN, 250, 11),
    "scale": lambda: set_scale(PLAN, 250, 0.5),
}


def milliseconds(edit, before):
    """The median processor time of nine calls, with `before` called before each."""
    took = []
    for _ in range(9):
        before()
        began = time.process_time()
        edit()
        took.append(1000 * (time.process_time() - began))
    return median(took)


@pytest.mark.bench
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_500_slices_takes_milliseconds(edit):
    unread = milliseconds(edit, read_trees.cache_clear)
    listed = milliseconds(edit, lambda: slices_of(PLAN))
    print(f"{unread:.1f} ms, {listed:.1f} ms when the list was shown before")
    assert unread < MOST_MILLISECONDS
