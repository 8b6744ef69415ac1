"""Keys of all actions: the defaults of the registry, and the changes in <home>/keymap.toml.

    [keys]
    "plan.duplicate" = "ctrl+x,f8"

An invalid change is reported and ignored: the action keeps its default keys.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import combinations, groupby
from pathlib import Path

from dlec_tui.actions.key_names import shown_key, shown_keys, why_forbidden
from dlec_tui.actions.registry import ACTIONS, Action
from engine.errors import shown, system_reason

KEYMAP_FILE = "keymap.toml"
_WALKING = ("j", "k", "g", "G", "up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab")
"""Keys that lists and texts use themselves."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """Valid changes of the user's keymap."""

    changed: Mapping[str, str] = field(default_factory=dict)
    """Keys of actions by id, as Textual names them, separated by commas."""
    notices: tuple[str, ...] = ()
    """Invalid changes, each with the reason."""

    def keys(self, action: Action) -> str:
        """Keys of an action, separated by commas."""
        return self.changed.get(action.id, action.keys)


def read_keymap(home: Path) -> Keymap:
    """Read the keymap of the user. Errors become notices."""
    path = home / KEYMAP_FILE
    if not path.exists():
        return Keymap()
    import tomllib  # late: most have no such file, and are not to wait for it

    try:
        wishes = tomllib.loads(path.read_text(encoding="utf-8")).get("keys", {})
    except OSError as error:
        return Keymap(notices=(f"{KEYMAP_FILE} cannot be read: {system_reason(error)}",))
    except ValueError as error:
        return Keymap(notices=(f"{KEYMAP_FILE} is invalid: {shown(str(error))}",))
    return keymap_from(wishes)


def keymap_from(wishes: object) -> Keymap:
    """Keymap of the table [keys]."""
    if not isinstance(wishes, Mapping):
        return Keymap(notices=(f"{KEYMAP_FILE}: keys is not a table",))
    accepted, notices = {}, []
    for name, keys in wishes.items():
        if reason := _why_not(name, keys):
            notices.append(f"{KEYMAP_FILE}: {reason}")
        else:
            accepted[name] = _normalized(keys)
    while clash := next(_clashes(Keymap(accepted)), None):
        notices.append(f"{KEYMAP_FILE}: {clash.text}")
        for action in clash.actions:
            accepted.pop(action.id, None)
    return Keymap(accepted, tuple(notices))


@dataclass(frozen=True, slots=True)
class _Clash:
    key: str
    actions: tuple[Action, Action]

    @property
    def text(self) -> str:
        one, other = (action.id for action in self.actions)
        return f"{shown_key(self.key)} is assigned to both {one} and {other}; both keep their default keys"


def _clashes(keymap: Keymap) -> Iterator[_Clash]:
    """Conflicts of two actions that are available at the same time, at least one of them changed."""
    for one, other in combinations(ACTIONS, 2):
        if one.area == other.area or "app" in (one.area, other.area):
            if one.id not in keymap.changed and other.id not in keymap.changed:
                continue
            for key in set(keymap.keys(one).split(",")) & set(keymap.keys(other).split(",")):
                yield _Clash(key, (one, other))


def _why_not(name: str, keys: object) -> str:
    ids = [action.id for action in ACTIONS]
    if name not in ids:
        close = [known for known in ids if known.startswith(name)] or get_close_matches(name, ids, n=1)
        return f"unknown action {shown(name)}" + (f"; did you mean {close[0]}?" if close else " (see dlec keys)")
    if not isinstance(keys, str) or not keys.strip(" ,"):
        return f'{name}: keys must be a string such as "ctrl+x,f8"'
    reasons = (_why_not_key(name, key) for key in _normalized(keys).split(","))
    return next(filter(None, reasons), "")


def _why_not_key(name: str, key: str) -> str:
    if why := "it moves the cursor in lists" if key in _WALKING else why_forbidden(key):
        return f"{name} cannot use {shown_key(key)}: {why}"
    return "" if _exists(key) else f"{name}: unknown key {shown(key)} (dlec keys --try shows the names of keys)"


def _normalized(keys: str) -> str:
    """Names that Textual uses: "?" becomes "question_mark"."""
    from textual.binding import Binding

    parts = ",".join(key.strip() for key in keys.split(",") if key.strip())
    return ",".join(binding.key for binding in Binding.make_bindings([Binding(parts, "", "")]))


def _exists(key: str) -> bool:
    from textual.keys import REPLACED_KEYS, Keys, key_to_character

    return key in {each.value for each in Keys} or key_to_character(REPLACED_KEYS.get(key, key)) is not None


_KEYS, _IDS = 26, 27
"""Column widths."""


def key_rows(keymap: Keymap) -> list[dict[str, str]]:
    """Rows of the table as data. Keys have the names that keymap.toml uses."""
    return [
        {"id": action.id, "area": action.area, "keys": keymap.keys(action), "what": action.what} for action in ACTIONS
    ]


def key_lines(keymap: Keymap) -> Iterator[str]:
    """Table as text, one area after the other."""
    for _, actions in groupby(ACTIONS, lambda action: action.area):
        for action in actions:
            yield f"{shown_keys(keymap.keys(action)):<{_KEYS}}{action.id:<{_IDS}}{action.what}"
        yield ""
