"""Text editor of the plan. Undo belongs to the plan: the editor has no history of its own."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Document, Location

from dlec_tui.plans.lines import underlined
from dlec_tui.terminal.textual_private import Highlight, HighlightedTextArea
from engine.plan.problems import Problem

_PARTS = re.compile(
    r"""(?P<comment>(?:^|(?<=\s))\#.*)
      | (?P<string>"(?:[^"\\]|\\.)*"|'[^']*')
      | (?P<key>[A-Za-z_][\w.-]*(?=\s*:(?:\s|$)))
      | (?P<anchor>(?<![^\s\[{,])[&*][\w-]+)
      | (?P<number>(?<![\w./-])-?\d+(?:\.\d+)?(?![\w./-]))""",
    re.VERBOSE,
)


def coloured(line: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind ("comment", "string", "key", "anchor", "number") of syntax elements; in characters."""
    for places in _PARTS.finditer(line):
        assert places.lastgroup is not None
        yield places.start(), places.end(), places.lastgroup


PARTS = ("comment", "string", "key", "anchor", "number")
PROBLEMS = ("error", "warning", "note")
_INDENT = 2


def without_function_keys(usual: Iterable[BindingType]) -> list[BindingType]:
    """Bindings of a text area without F6 and F7, which belong to the pane."""
    return [each for each in usual if isinstance(each, Binding) and each.key not in ("f6", "f7")]


class PlanEditor(HighlightedTextArea, inherit_bindings=False):
    """Text editor; Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *without_function_keys(TextArea.BINDINGS),
        Binding("escape", "leave", "to the list", show=True, id="editor.leave"),
    ]
    STYLES = (*PARTS, *PROBLEMS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"editor--{name}" for name in (*PARTS, *PROBLEMS)}
    DEFAULT_CSS = """
    PlanEditor, PlanEditor:focus { border: none; padding: 0; background: transparent; height: 1fr;
        scrollbar-size: 1 1; }
    PlanEditor .text-area--gutter { color: $text-muted; }
    PlanEditor .text-area--cursor-gutter { color: $foreground; background: transparent; text-style: bold; }
    PlanEditor > .editor--comment { color: $text-muted; text-style: italic; }
    PlanEditor > .editor--string { color: $success; }
    PlanEditor > .editor--key { color: $primary; }
    PlanEditor > .editor--anchor { color: $accent; }
    PlanEditor > .editor--number { color: $warning; }
    PlanEditor > .editor--error { color: $error; text-style: underline bold; }
    PlanEditor > .editor--warning { color: $warning; text-style: underline; }
    PlanEditor > .editor--note { text-style: underline; }
    """

    class Left(Message):
        """The user wants to go back to the list."""

    class UndoWanted(Message):
        """The user wants to undo an edit of the plan."""

    class RedoWanted(Message):
        """The user wants to redo an edit of the plan."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, soft_wrap=False, tab_behavior="indent", show_line_numbers=True, compact=True)
        self.indent_width = _INDENT
        self.cursor_blink = False
        self._text = self._written = ""
        """Text that was shown last, and its form in the text area, which has one kind of line breaks."""
        self._problems: dict[int, list[tuple[int, str]]] = {}
        """Column, from 1, and severity of problems by line, from 0."""
        self.use_lazy_highlights()

    # What is in it

    def show(self, text: str) -> None:
        """Show this text. Unchanged parts and the cursor stay as they are."""
        if text == self._text:
            return
        if self._text:
            start, end, new = difference(self.text, text)
            self.replace(new, self._place_of(start), self._place_of(end))
        if self.text != text:  # the first one, or one with other line breaks
            self.load_text(text)
        self.history.clear()
        self._text, self._written = text, self.text

    def _place_of(self, index: int) -> Location:
        assert isinstance(self.document, Document)
        return self.document.get_location_from_index(index)

    def typed(self) -> str | None:
        """Text after typing; None if nothing was typed since the last call."""
        if (written := self.text) == self._written:
            return None
        self._text = self._written = written
        return written

    @property
    def has_other_breaks(self) -> bool:
        """Whether typing will change the line breaks of the plan."""
        return self._text != self._written

    def go_to(self, line: int, column: int = 1) -> None:
        """Move the cursor to a position, counted from 1, and scroll to it."""
        place = (min(line, self.document.line_count) - 1, max(0, column - 1))
        if self.cursor_location != place:
            self.move_cursor(place, center=True)

    @property
    def line(self) -> int:
        """Line of the cursor, counted from 1."""
        return self.cursor_location[0] + 1

    def underline(self, problems: Sequence[Problem]) -> None:
        """Underline the places of these problems."""
        places: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for problem in problems:
            if problem.place:
                places[problem.place.line - 1].append((problem.place.column, str(problem.severity)))
        if places != self._problems:
            self._problems = places
            self.forget_highlights()

    def highlights_of(self, line: int) -> list[Highlight]:
        """Highlights of a line, counted from 0: syntax, then problems."""
        text = self.document.get_line(line) if line < self.document.line_count else ""
        spans = [*coloured(text)]
        spans += [(*underlined(text, column), severity) for column, severity in self._problems.get(line, ())]
        if text.isascii():
            return list(spans)
        return [(len(text[:start].encode()), len(text[:end].encode()), name) for start, end, name in spans]

    # Keys

    async def on_key(self, event: Key) -> None:
        if event.key == "escape":
            event.prevent_default()  # there it means the next widget; here the binding below
        elif event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            indent = re.match(
                r"[ ]*(?:- +)?", self.document.get_line(self.cursor_location[0])[: self.cursor_location[1]]
            )
            self.type_text("\n" + " " * len(indent.group() if indent else ""), *self.selection)

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_undo(self) -> None:
        self.post_message(self.UndoWanted())

    def action_redo(self) -> None:
        self.post_message(self.RedoWanted())


def difference(old: str, new: str) -> tuple[int, int, str]:
    """Characters [start, end) of `old` and their replacement that turn it into `new`."""
    start = _alike(old, new)
    same = _alike(old[start:][::-1], new[start:][::-1])
    return start, len(old) - same, new[start : len(new) - same]


def _alike(one: str, other: str) -> int:
    """Length of the common prefix; comparing halves is much faster than single characters."""
    same, differ = 0, min(len(one), len(other)) + 1
    while differ - same > 1:
        middle = (same + differ) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            differ = middle
    return same
