"""The heat map: levels that outliers do not spoil, few bytes, and the same without colours."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.strip import Strip

from dlec_tui.measurements.plots import LEVELS, Block, BlockMap, robust_scale
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.widgets.heat_map import CURSOR, MARK, RAMP, HeatMap

LAYERS = 12
ANGLES = {(i, j): (j - i) / 10 for i in range(LAYERS) for j in range(i + 1, LAYERS + 1)}
VALUES = st.floats(-1e6, 1e6, allow_nan=False)


class Host(App[None]):
    """Nothing but a map."""

    def __init__(self) -> None:
        super().__init__()
        self.map = HeatMap(id="map")
        self.lines: list[Strip] = []

    def compose(self) -> ComposeResult:
        yield self.map


def drawn(block_map: BlockMap, *pressed: str, marked: tuple[Block, ...] = (), size: tuple[int, int] = (60, 11)) -> Host:
    """The app after its keys."""

    async def run() -> Host:
        app = Host()
        async with app.run_test(size=size) as pilot:
            app.map.draw(block_map, LAYERS)
            app.map.mark(marked)
            app.map.focus()
            await pilot.press(*pressed)
            await pilot.pause()
            app.lines = [app.map.render_line(y) for y in range(size[1])]
            return app

    return asyncio.run(run())


@given(st.lists(VALUES, min_size=1, max_size=300))
def test_levels_rise_with_values_and_stay_in_range(values: list[float]) -> None:
    scale = robust_scale(values)
    levels = [scale.level(value) for value in sorted(values)]
    assert levels == sorted(levels)
    assert all(0 <= level < LEVELS for level in levels)


def test_one_outlier_does_not_make_all_others_look_alike() -> None:
    scale = robust_scale([*range(100), 1e9])
    assert len({scale.level(value) for value in range(100)}) == LEVELS


def test_a_line_has_two_lengths_and_equal_neighbours_are_one_segment() -> None:
    first = drawn(BlockMap("angle", ANGLES), "G").lines[0]
    gutter, row, *_ = first
    assert gutter.text.strip() == f"{GLYPHS.cursor}  1"
    assert row.text == GLYPHS.half * 3 * (LAYERS - 1)
    assert (row.style.color.name, row.style.bgcolor.name) == (RAMP[0], RAMP[1])


def test_the_cursor_moves_over_blocks_and_stays_in_the_model() -> None:
    block_map = BlockMap("angle", ANGLES)
    assert drawn(block_map, "l", "j", "j").map.block == (1, 4)
    assert drawn(block_map, "h", "k").map.block == (0, 1)
    assert drawn(block_map, "G", "l", "j").map.block == (LAYERS - 2, LAYERS)
    assert drawn(block_map, *20 * ["j"]).map.block == (0, LAYERS)


def test_cursor_and_marks_have_colours_that_no_value_has() -> None:
    lines = drawn(BlockMap("angle", ANGLES), marked=((3, 4),)).lines
    colours = {segment.style.color.name for segment in lines[0] if segment.style and segment.style.color}
    assert {CURSOR, MARK} <= colours
    assert not {CURSOR, MARK} & set(RAMP)


def test_what_is_too_large_for_the_screen_follows_the_cursor() -> None:
    lines = drawn(BlockMap("angle", ANGLES), *7 * ["j"], size=(60, 6)).lines
    assert [line.text[2:4].strip() for line in lines[:3]] == ["3", "5", "8"]
    assert "8" not in lines[3].text[:5]


def test_blocks_that_were_not_measured_are_blank() -> None:
    lines = drawn(BlockMap("second pass", {(0, 1): 1.0, (4, 6): 2.0}), "l", size=(60, 4)).lines
    assert lines[0].text[5:8] == GLYPHS.half * 3
    assert lines[0].text[17:20] == GLYPHS.lower_half * 3
    assert lines[0].text[8:11] == GLYPHS.half * 3  # the cursor is there
    assert lines[0].text[11:17].strip() == ""


def test_with_room_enough_every_length_has_its_own_line() -> None:
    lines = drawn(BlockMap("angle", ANGLES), size=(60, LAYERS + 3)).lines
    assert [line.text[:5].strip(f"{GLYPHS.cursor} ") for line in lines[:3]] == ["1", "2", "3"]
    assert lines[1].text[5:].strip() == ""  # the colour is behind blanks


def test_in_ascii_the_levels_are_digits() -> None:
    GLYPHS.speak_ascii()
    app = drawn(BlockMap("angle", ANGLES))
    assert app.lines[0].text.rstrip() == ">  1 " + "0" * 3 * LAYERS
    assert all(line.text.isascii() for line in app.lines)


def test_with_few_colours_the_levels_are_digits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen colours are too few for ten levels, a cursor and marks."""
    monkeypatch.setenv("TERM", "xterm")
    assert drawn(BlockMap("angle", ANGLES)).lines[0].text.strip().endswith("0" * 3 * LAYERS)


def test_the_pointer_says_the_length_of_the_block_whichever_half_it_is_in() -> None:
    lines = drawn(BlockMap("angle", ANGLES), *3 * ["j"]).lines
    assert lines[1].text[:5] == f"{GLYPHS.cursor}  4 "


def test_cursor_and_marks_are_explained() -> None:
    foot = drawn(BlockMap("angle", ANGLES), size=(60, LAYERS + 3)).lines[-1].text
    assert foot.split()[-2:] == ["cursor", "marked"]


def test_a_click_goes_to_the_block() -> None:
    async def run() -> Block:
        app = Host()
        async with app.run_test(size=(60, LAYERS + 3)) as pilot:
            app.map.draw(BlockMap("angle", ANGLES), LAYERS)
            await pilot.click(HeatMap, offset=(5 + 3 * 4 + 1, 2))
            return app.map.block

    assert asyncio.run(run()) == (4, 7)
