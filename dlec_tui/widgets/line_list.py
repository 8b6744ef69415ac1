"""List of lines with a cursor, of any length: lines are formatted when they are drawn."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, Generic, TypeAlias, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from dlec_tui.wording import Span

Item = TypeVar("Item")
_LEAST_WITH_HEADER = 3
"""Minimum height with a header, in lines."""
Drawn: TypeAlias = tuple[tuple[Span, ...], bool]
"""Parts of a line, and whether it is selected."""


class LineList(ScrollView, Generic[Item], can_focus=True):
    """Lines under a header that stays if there is room. Only changed lines are redrawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="lines.down"),
        Binding("up,k", "move(-1)", "up", show=False, id="lines.up"),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False, id="lines.page_down"),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False, id="lines.page_up"),
        Binding("home,g", "go_to(0)", "first", show=False, id="lines.first"),
        Binding("end,G", "go_to(-1)", "last", show=False, id="lines.last"),
    ]
    _TONES: ClassVar[tuple[str, ...]] = ("dim", "good", "bad", "warn", "busy")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{name}" for name in (*_TONES, "head", "cursor", "focused")}
    DEFAULT_CSS = """
    LineList { height: 1fr; background: transparent; scrollbar-size-vertical: 1; overflow-x: hidden; }
    LineList > .lines--head, LineList > .lines--dim { color: $text-muted; }
    LineList > .lines--good { color: $success; }
    LineList > .lines--bad { color: $error; }
    LineList > .lines--warn { color: $warning; }
    LineList > .lines--busy { color: $accent; }
    LineList > .lines--cursor { color: $accent; text-style: bold; }
    LineList > .lines--focused {
        background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """

    class Moved(Message):
        """The selection or the selected item has changed."""

        def __init__(self, lines: Widget) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> Widget:
            return self.lines

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._items: Sequence[Item] = ()
        self._cursor = 0
        self._drawn: dict[int, Drawn] = {}
        """Lines on the screen, by y."""

    # What subclasses say

    def key_of(self, item: Item) -> Hashable:
        """Key by which the cursor finds an item again."""
        raise NotImplementedError

    def line_of(self, item: Item) -> list[Span]:
        """Line of an item, `self.width` columns wide."""
        raise NotImplementedError

    def header(self) -> str:
        raise NotImplementedError

    def placeholder(self) -> str:
        """Text of an empty list."""
        raise NotImplementedError

    # What is in it

    @property
    def width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def items(self) -> Sequence[Item]:
        return self._items

    @property
    def current(self) -> Item | None:
        """Selected item."""
        return self._items[self._cursor] if self._items else None

    def put(self, items: Sequence[Item]) -> None:
        """Show these items; the cursor stays on its item, or at its position if that is gone."""
        before = self.current
        self._items = items
        keys = [self.key_of(item) for item in items]
        key = self.key_of(before) if before is not None else None
        place = keys.index(key) if key in keys else self._cursor
        self._cursor = max(0, min(place, len(items) - 1))
        self.virtual_size = Size(0, len(items) + 1)
        self._show_cursor()
        self._redraw_changed()
        self.post_message(self.Moved(self))

    def point_to(self, key: Hashable) -> None:
        """Select the item with this key, if there is one."""
        place = next((at for at, item in enumerate(self._items) if self.key_of(item) == key), None)
        if place is not None:
            self.action_go_to(place)

    # Moving

    def action_move(self, by: int) -> None:
        self.action_go_to(max(0, self._cursor + by))

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self._room - 1))

    def action_go_to(self, place: int) -> None:
        """Select an item by position, from 0; -1 is the last one."""
        last = len(self._items) - 1
        place = last if place < 0 else min(place, last)
        if place == self._cursor or not self._items:
            return
        self._cursor = place
        self._show_cursor()
        self._redraw_changed()
        self.post_message(self.Moved(self))

    def on_click(self, event: Click) -> None:
        at = self._item_at(event.y)
        if at is not None:
            self.action_go_to(at)

    # Drawing

    def render_line(self, y: int) -> Strip:
        drawn = self._drawn[y] = self._line_at(y)
        return self._strip(*drawn)

    def on_resize(self, _event: Resize) -> None:
        self._show_cursor()
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    @property
    def _head(self) -> int:
        """Number of header lines."""
        return 1 if self.scrollable_content_region.height >= _LEAST_WITH_HEADER else 0

    @property
    def _room(self) -> int:
        """Number of lines for items."""
        return max(1, self.scrollable_content_region.height - self._head)

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        target = min(max(top, self._cursor - self._room + 1), self._cursor)
        if target != top:
            self.scroll_to(y=target, animate=False, immediate=True)

    def _redraw_changed(self) -> None:
        lines = range(self.size.height)
        changed = [Region(0, y, self.size.width, 1) for y in lines if self._drawn.get(y) != self._line_at(y)]
        if changed:
            self.refresh(*changed)

    def _item_at(self, y: int) -> int | None:
        at = y - self._head + self.scroll_offset.y
        return at if y >= self._head and at < len(self._items) else None

    def _line_at(self, y: int) -> Drawn:
        if not self._items:
            text = self.placeholder().split("\n")
            return ((text[y] if y < len(text) else "", "dim"),), False
        if y < self._head:
            return ((self.header(), "head"),), False
        at = self._item_at(y)
        return ((), False) if at is None else (tuple(self.line_of(self._items[at])), at == self._cursor)

    def _strip(self, spans: Sequence[Span], is_current: bool) -> Strip:
        base = self.rich_style
        cursor = self.get_component_rich_style("lines--focused" if self.has_focus else "lines--cursor")
        segments = [Segment(text, cursor if is_current else base + self._style(tone)) for text, tone in spans if text]
        return Strip(segments).adjust_cell_length(self.size.width, cursor if is_current else base)

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"lines--{tone}", partial=True) if tone else Style()
