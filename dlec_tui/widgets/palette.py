"""The command palette: all actions, searched by words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from dlec_tui.actions.key_names import shown_keys
from dlec_tui.actions.registry import ACTIONS, EVERYWHERE_AREA, Action
from dlec_tui.terminal.theme_names import THEME_NAMES
from dlec_tui.widgets.dialogs import Overlay
from dlec_tui.widgets.option_list import Options
from dlec_tui.wording import padded


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the palette."""

    action: Action
    keys: str
    """Keys as Textual names them, separated by commas; "" without keys."""
    reason: str
    """Reason why the action is unavailable; "" if it is available."""

    @property
    def name(self) -> str:
        """Searchable name: "plan: duplicate the slice"."""
        return f"{self.action.area}: {self.action.what}"


def all_actions(offered: Iterable[Action]) -> list[Action]:
    """All actions of the registry, and those without keys: actions offered by panes, and themes."""
    themes = [
        Action(EVERYWHERE_AREA, f"use_theme('{name}')", "", "", f"use the colours {name}") for name in THEME_NAMES
    ]
    return [*ACTIONS, *offered, *themes]


def matching(offers: Iterable[Offer], typed: str) -> Sequence[Offer]:
    """Actions that contain every typed word in name, label or keys, in the order of the registry."""
    words = typed.casefold().split()
    return [offer for offer in offers if all(word in _searched(offer) for word in words)]


def _searched(offer: Offer) -> str:
    return f"{offer.name} {offer.action.label} {shown_keys(offer.keys)}".casefold()


_WIDTH = 75
"""Width of a line in columns."""


class Palette(Overlay[Action | None]):
    """Returns the chosen action. Unavailable actions are listed with the reason."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+p,f1,ctrl+c", "dismiss", "close", id="palette.close"),
        Binding("down,ctrl+n", "move(1)", "next", id="palette.next"),
        Binding("up", "move(-1)", "previous", id="palette.previous"),
        Binding("pagedown", "move(10)", "further", id="palette.further"),
        Binding("pageup", "move(-10)", "back", id="palette.back"),
    ]
    DEFAULT_CSS = """
    Palette { align: center top; }
    Palette Options { height: auto; max-height: 85vh; }
    Palette Input > .input--placeholder, Palette Input:ansi > .input--placeholder {
        color: $text-muted; text-style: none;
    }
    """

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__()
        self._offers = offers
        self._matches = offers

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "run an action (Esc: cancel)"
            yield Input(placeholder="type to search", id="typed", compact=True)
            options = Options(*map(_option, self._offers), id="found", classes="-driven")
            options.can_focus = False
            yield options

    def on_mount(self) -> None:
        self.query_one(Options).highlighted = 0

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        self._matches = matching(self._offers, event.value)
        options = self.query_one(Options)
        options.clear_options()
        options.add_options(map(_option, self._matches))
        options.highlighted = 0 if self._matches else None

    def action_move(self, by: int) -> None:
        if self._matches:
            options = self.query_one(Options)
            options.highlighted = min(max((options.highlighted or 0) + by, 0), len(self._matches) - 1)

    @on(Input.Submitted)
    def _choose(self) -> None:
        place = self.query_one(Options).highlighted
        self.dismiss(self._matches[place].action if place is not None and self._matches else None)

    @on(Options.OptionSelected)
    def _choose_clicked(self, event: Options.OptionSelected) -> None:
        self.dismiss(self._matches[event.option_index].action)


def _option(offer: Offer) -> Option:
    """Line of an action: name left, keys right, the reason against it on a second line."""
    keys = shown_keys(offer.keys)
    line = padded(offer.name, _WIDTH - cell_len(keys)) + keys
    reason = f"\n    unavailable: {offer.reason}" if offer.reason else ""
    return Option(Content.styled(line + reason, "$text-muted" if offer.reason else ""))
