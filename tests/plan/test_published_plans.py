"""What people published parses, compiles to the published depth, is judged fairly, and survives being edited."""

import pytest

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.plan.check import check_plan
from engine.plan.edits import delete_slice, duplicate_slice, move_slice, set_range, slices_of
from engine.plan.problems import Severity
from tests.cases import cases
from tests.plan.published_plans import PUBLISHED, Piece, Published
from tests.tiny import write_llama


@pytest.fixture(scope="module")
def opener_for(tmp_path_factory):
    """Opens any reference as a tiny model of a given depth, one for each reference and depth."""
    directories, opened = {}, {}

    def open_with_depth(depth: int):
        def open_reference(reference: str) -> Checkpoint:
            if depth not in directories:
                directories[depth] = write_llama(tmp_path_factory.mktemp("depth") / f"{depth}", layers=depth, vocab=4)
            if (reference, depth) not in opened:
                opened[reference, depth] = open_checkpoint(directories[depth], reference)
            return opened[reference, depth]

        return open_reference

    return open_with_depth


def as_written_by_hand(plan: Published) -> str:
    """With comments in several scripts, quotes, and the keys in no order."""
    lines = [f"# {plan.name}  # нарезка · 切片", "slices:  # from the bottom"]
    for number, piece in enumerate(plan.pieces):
        lines += [f"  # {number}: é", "  - sources:", f'      - model: "{piece.model}"   # quoted']
        lines += [f"        layer_range: [{piece.start},{piece.end}]  # {piece.end - piece.start}", ""]
        lines[-1:] = scale_lines(piece) or [""]
    return "\n".join([*lines, "merge_method: passthrough # a stack", "dtype: float16", "# the end"])


def scale_lines(piece: Piece) -> list[str]:
    entries = [f"            - {{filter: {name}, value: {value}}}" for name, value in piece.scale.items()]
    return ["        parameters:", "          scale:", *entries, "            - value: 1.0"] if entries else []


def as_saved_by_mergekit(plan: Published) -> str:
    """Keys in alphabetical order, lines that end as on Windows."""
    lines = ["dtype: float16", "merge_method: passthrough", "slices:"]
    for piece in plan.pieces:
        lines += ["- sources:", f"  - layer_range: [{piece.start}, {piece.end}]", f"    model: {piece.model}"]
        lines += ["    parameters:", "      scale:"] if piece.scale else []
        for name, value in piece.scale.items():
            lines += [f"      - filter: {name}", f"        value: {value}"]
        lines += ["      - value: 1.0"] if piece.scale else []
    return "\r\n".join([*lines, ""])


STYLES = (as_written_by_hand, as_saved_by_mergekit)
every_plan = cases("plan", PUBLISHED, ids=lambda plan: plan.name)
in_both_styles = cases("style", STYLES, ids=lambda style: style.__name__)


def test_there_are_enough_of_them() -> None:
    assert len({plan.name for plan in PUBLISHED}) >= 25


@every_plan
@in_both_styles
def test_it_compiles_to_the_published_depth_and_gets_the_warnings_it_deserves(plan, style, opener_for):
    checked = check_plan(style(plan), opener_for(plan.depth))
    assert checked.ok
    assert len(checked.stack.visits) == plan.layers
    expected = [(piece.model, layer) for piece in plan.pieces for layer in range(piece.start, piece.end)]
    assert [(visit.checkpoint.reference, visit.layer) for visit in checked.stack.visits] == expected
    warned = {problem.rule for problem in checked.problems if problem.severity is Severity.WARNING}
    assert warned == set(plan.warns)


@every_plan
@in_both_styles
def test_an_edit_taken_back_leaves_every_byte_and_an_edit_left_alone_changes_one_slice(plan, style):
    text, last = style(plan), len(plan.pieces) - 1
    assert delete_slice(duplicate_slice(text, last).text, last + 1).text == text
    view = slices_of(text)[0]
    wider = set_range(text, 0, view.start, view.end + 1).text
    assert set_range(wider, 0, view.start, view.end).text == text
    before, after = text.splitlines(keepends=True), wider.splitlines(keepends=True)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    if last:
        assert move_slice(move_slice(text, 0, 1).text, 1, -1).text == text


@every_plan
@in_both_styles
def test_the_slices_shown_are_those_that_were_published(plan, style):
    shown = [(view.models, view.start, view.end) for view in slices_of(style(plan))]
    assert shown == [((piece.model,), piece.start, piece.end) for piece in plan.pieces]
