"""What the palette lists: everything that can be done, with its key, and the reason where it cannot be done now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dlec_tui.actions.action import Action
from dlec_tui.actions.everywhere import EVERYWHERE_AREA
from dlec_tui.actions.registry import ACTIONS
from dlec_tui.terminal.key_names import shown_keys
from dlec_tui.terminal.theme_names import THEME_NAMES


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of it."""

    action: Action
    keys: str
    """As Textual names them, separated by commas; "" for what only the palette has."""
    reason: str
    """Why it cannot be done now; "" when it can."""

    @property
    def name(self) -> str:
        """As it is looked for: "plan: duplicate the slice"."""
        return f"{self.action.area}: {self.action.what}"


def all_actions() -> list[Action]:
    """The registry's, and those without keys: what panes offer, and themes."""
    from dlec_tui.main_screen import PANES, pane_class  # which imports this

    themes = [
        Action(EVERYWHERE_AREA, f"use_theme('{name}')", "", "", f"use the colours {name}") for name in THEME_NAMES
    ]
    return [*ACTIONS, *(offer for area in PANES for offer in pane_class(area).offers()), *themes]


def matching(offers: Iterable[Offer], typed: str) -> Sequence[Offer]:
    """Those with every typed word in their name, label or keys, in the order of the registry."""
    words = typed.casefold().split()
    return [offer for offer in offers if all(word in _searched(offer) for word in words)]


def _searched(offer: Offer) -> str:
    return f"{offer.name} {offer.action.label} {shown_keys(offer.keys)}".casefold()
