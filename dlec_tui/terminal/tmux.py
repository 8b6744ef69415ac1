"""The tmux around dlec: its version, options and the terminal outside."""

import os
import re
from dataclasses import dataclass

from engine.machine.commands import output_of


@dataclass(frozen=True, slots=True)
class Tmux:
    """Version and options of tmux, and the outer terminal."""

    version: str
    outside: str
    """TERM of the terminal that looks at it; "" while none does."""
    is_unicode: bool
    """Whether it draws more than ASCII there."""
    features: frozenset[str]
    """Features that tmux assumes for the outer terminal."""
    set_clipboard: str
    allow_passthrough: str
    escape_ms: int
    """Milliseconds that tmux waits after Esc for the rest of a key."""

    @property
    def number(self) -> tuple[int, int]:
        """Number of the version: "3.3a" and "next-3.4" have one; a version without a number counts as new."""
        match = re.search(r"(\d+)\.(\d+)", self.version)
        return (int(match[1]), int(match[2])) if match else (99, 0)


def tmux_here() -> Tmux | None:
    """None outside tmux. Raises MachineError where it does not answer."""
    return tmux_from(output_of(_QUESTION)) if os.environ.get("TMUX") else None


def tmux_from(answer: str) -> Tmux:
    """Parsed output of tmux: one line about the client, then the options."""
    client, *lines = answer.splitlines()
    version, outside, unicode, features = client.split("|")
    options = dict(line.split(" ", 1) for line in lines if " " in line)
    return Tmux(
        version=version,
        outside=outside,
        is_unicode=unicode != "0",
        features=frozenset(filter(None, features.split(","))),
        set_clipboard=options.get("set-clipboard", "unknown"),
        allow_passthrough=options.get("allow-passthrough", "on"),  # older ones let everything through
        escape_ms=int(options.get("escape-time", 0)),
    )


_ABOUT_CLIENT = ("version", "client_termname", "client_utf8", "client_termfeatures")


_QUESTION = (
    *("tmux", "display-message", "-p", "|".join(f"#{{{name}}}" for name in _ABOUT_CLIENT)),
    *(";", "show-options", "-s"),
    *(";", "show-options", "-gw"),
)
