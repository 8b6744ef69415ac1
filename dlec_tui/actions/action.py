"""What an action is, and how it becomes a binding."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does."""

    area: str
    """Where it works: "app" for everywhere, else the pane's name."""
    name: str
    """`action_NAME` of the pane or the app does it. With an argument, "new_by('repeat')", only the palette has it."""
    keys: str
    """As Textual names them, separated by commas; every one survives tmux and any terminal."""
    label: str
    """For the footer: a word or two."""
    what: str
    """For help and palette: what it does, beginning with a verb."""
    in_footer: bool = False
    """At most seven of an area are, those of the app included."""
    writes: bool = False
    """Whether it changes files, the store or jobs: not with --read-only."""

    @property
    def id(self) -> str:
        """Its name in the user's keymap: "plan.duplicate"."""
        return f"{self.area}.{self.name}"


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """The actions of one area for a widget's BINDINGS."""
    return [
        Binding(action.keys, action.name, action.label, show=action.in_footer, id=action.id, tooltip=action.what)
        for action in actions
        if action.keys
    ]
