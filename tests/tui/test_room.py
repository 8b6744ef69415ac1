"""On every size of a terminal, each part that has something to show shows some of it, and columns never touch."""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList

from dlec_tui.widgets.line_list import LineList
from tests.tui.conftest import eventually, handled
from tests.tui.tour import prepared, toured

SIZES = [(60, 18), (80, 24), (100, 30), (140, 40)]
MORE_SIZES = [(60, 20), (60, 30), (72, 20), (99, 29), (140, 24), (200, 60)]


@pytest.fixture(scope="module")
def store() -> Iterator[Path]:
    with prepared() as path:
        yield path


@pytest.mark.parametrize(
    "sizes", [pytest.param(SIZES, id="usual"), pytest.param(MORE_SIZES, id="more", marks=pytest.mark.stress)]
)
def test_each_part_with_content_shows_some_of_it_at_every_size(store: Path, sizes: list[tuple[int, int]]) -> None:
    found: list[str] = []

    async def look(pilot: Pilot[str], state: str) -> None:
        for size in sizes if state != "jump" else ():
            await pilot.resize_terminal(*size)
            await eventually(pilot, lambda size=size: pilot.app.screen.size == size)
            await handled()
            found.extend(f"{size[0]}x{size[1]}, {state}: {fault}" for fault in faults(pilot.app.screen))

    toured(store, look)
    assert not found, "\n".join(found)


def faults(screen: Screen[object]) -> Iterator[str]:
    shown = screen._compositor.full_map
    for widget in screen.walk_children(Widget):
        if not is_content(widget):
            continue
        place = shown.get(widget)
        seen = widget.region.shrink(widget.gutter).intersection(place.clip) if place else Region()
        if not seen.area and not can_scroll_to(widget):
            yield f"nothing of {described(widget)} is to be seen"
        if isinstance(widget, LineList) and widget.items:
            yield from line_faults(widget)


def is_content(widget: Widget) -> bool:
    """Whether something stands in it that a person would read."""
    if not widget.visible or not all(each.display for each in widget.ancestors_with_self if isinstance(each, Widget)):
        return False
    if isinstance(widget, OptionList):
        return bool(widget.option_count)
    return not widget.children and bool(str(widget.render()).strip())


def can_scroll_to(widget: Widget) -> bool:
    """What lies in something that scrolls, of which something is seen."""
    around = (each for each in widget.ancestors if isinstance(each, Widget))
    return any(each.max_scroll_y > 0 and each.is_scrollable and each.size.height >= 2 for each in around)


def described(widget: Widget) -> str:
    path = (f"#{each.id}" if each.id else type(each).__name__ for each in (widget, *widget.ancestors))
    return " in ".join(islice(path, 3))


def line_faults(lines: LineList[object]) -> Iterator[str]:
    if not any(lines._item_at(y) is not None for y in range(lines.scrollable_content_region.height)):
        yield f"{described(lines)} shows none of its {len(lines.items)} lines"
    for item in lines.items:
        texts = [text for text, _ in lines.line_of(item)]
        if sum(map(cell_len, texts)) > lines.width:
            yield f"{described(lines)} is wider than its frame: {texts}"
        columns = [text for text in texts if text.strip()]
        if not all(one[-1].isspace() or other[0].isspace() for one, other in pairwise(columns)):
            yield f"columns of {described(lines)} touch: {columns}"
