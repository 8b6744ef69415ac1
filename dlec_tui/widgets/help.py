"""Help: keys of the pane, of all panes and of the focused part."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Input, Static

from dlec_tui.actions.key_names import shown_keys
from dlec_tui.actions.keymap import Keymap
from dlec_tui.actions.registry import ACTIONS, EVERYWHERE_AREA, Action, actions_of
from dlec_tui.widgets.dialogs import Overlay

_KEYS = 20
"""Width of the column of keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the help."""

    keys: str
    """Keys as Textual names them, separated by commas."""
    what: str
    reason: str = ""
    """Why it cannot be done now."""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    keys: tuple[Key, ...]


class Help(Overlay[None]):
    """Purpose and keys of a pane, searchable with /."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1,escape,ctrl+c", "dismiss", "close", id="help.close"),
        Binding("slash", "search", "search", id="help.search"),
        Binding("j,down", "scroll(1)", "down", id="help.down"),
        Binding("k,up", "scroll(-1)", "up", id="help.up"),
    ]
    DEFAULT_CSS = """
    Help Input { display: none; }
    Help Input.-searching { display: block; }
    Help VerticalScroll { height: auto; max-height: 85vh; scrollbar-size-vertical: 1; }
    """
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, purpose: str, sections: Sequence[Section]) -> None:
        super().__init__()
        self._purpose = purpose
        self._sections = sections

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "help (q: back, /: search)"
            yield Input(placeholder="type to search", id="search", compact=True)
            with VerticalScroll():
                yield Static(help_text(self._purpose, self._sections, ""), id="text")

    def action_search(self) -> None:
        self.set_focus(self.query_one(Input).add_class("-searching"))

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self.query_one("#text", Static).update(help_text(self._purpose, self._sections, event.value))

    @on(Input.Submitted)
    def _searched(self) -> None:
        self.set_focus(self.query_one(VerticalScroll))


def help_sections(
    screen: Screen[None], area: str, keymap: Keymap, reason_against: Callable[[Action], str]
) -> list[Section]:
    """The keys of the pane, of what has the focus in it, and of the app."""
    own, everywhere = (
        tuple(Key(keymap.keys(action), action.what, reason_against(action)) for action in actions_of(each))
        for each in (area, EVERYWHERE_AREA)
    )
    at_focus = tuple(_keys_of_focus(screen))
    return [Section(f"{area} pane", own), Section("all panes", everywhere), Section("focused part", at_focus)]


def help_text(purpose: str, sections: Iterable[Section], filter_text: str) -> Group:
    """All of it, or only the lines that contain `wanted`."""
    parts: list[Text | Table] = [] if filter_text else [Text(purpose)]
    for section in sections:
        keys = [
            key for key in section.keys if filter_text.casefold() in f"{shown_keys(key.keys)} {_what(key)}".casefold()
        ]
        if keys:
            parts += [Text(f"\n{section.title}", "bold"), _table(keys)]
    return Group(*parts or [Text(f"no match for {filter_text}")])


def _table(keys: Iterable[Key]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=_KEYS)
    table.add_column()
    for key in keys:
        table.add_row(Text(shown_keys(key.keys)), Text(_what(key)), style="italic" if key.reason else "")
    return table


def _what(key: Key) -> str:
    return f"{key.what} (unavailable: {key.reason})" if key.reason else key.what


def _keys_of_focus(screen: Screen[None]) -> Iterator[Key]:
    """Keys of the focused widget itself, such as cursor movement."""
    keys: dict[str, list[str]] = {}
    known = {action.id for action in ACTIONS}
    for key, active in screen.active_bindings.items():
        if active.binding.description and active.binding.id not in known and not isinstance(active.node, Screen):
            keys.setdefault(active.binding.description.lower(), []).append(key)
    for what, names in keys.items():
        yield Key(",".join(names), what)
