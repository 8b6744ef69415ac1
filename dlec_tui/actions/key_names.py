"""Names of keys as users read and write them. Code and keymap.toml use the names of Textual."""

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}
FORBIDDEN = {
    "ctrl+h": "terminals send Backspace",
    "ctrl+m": "terminals send Enter",
    "ctrl+j": "terminals send Enter",
    "ctrl+i": "terminals send Tab",
    "ctrl+left_square_bracket": "terminals send Esc",
    "ctrl+space": "terminals send ctrl+@",
    "ctrl+enter": "most terminals send Enter",
    "ctrl+a": "prefix key of screen",
    "ctrl+b": "prefix key of tmux",
}
"""Keys that terminals or multiplexers intercept, each with the reason."""


def shown_key(key: str) -> str:
    """One key: "F1", "?", "Ctrl+P", "Shift+Up", "Space"; letters as they are typed."""
    *modifiers, last = key.split("+") if key != "+" else ["+"]
    name = _NAMES.get(last) or (last if len(last) == 1 else last.capitalize())
    return "+".join(
        [*(modifier.capitalize() for modifier in modifiers), name.upper() if modifiers and len(name) == 1 else name]
    )


def shown_keys(keys: str) -> str:
    """Keys of an action: "F1 or ?"."""
    return " or ".join(map(shown_key, filter(None, keys.split(","))))


def short_key(key: str) -> str:
    """Short form for the key line: "^P"."""
    return shown_key(key).replace("Ctrl+", "^")


def why_forbidden(key: str) -> str:
    """Reason why a key is unreliable; "" for a reliable one."""
    if key in FORBIDDEN:
        return FORBIDDEN[key]
    if key.startswith("ctrl+shift+"):
        return "few terminals send it"
    if key.startswith("alt+"):
        return "many terminals keep it, or send Esc before it"
    return ""
