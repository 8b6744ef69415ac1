"""Copying: by which way a text reaches the clipboard of the computer that the user sits at, and taking that way."""

import os
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dlec_tui.terminal.tmux import Tmux, tmux_here
from engine.errors import MachineError, machine_error, shown
from engine.files import write_whole

HANDS_ON = (3, 2)
"""The first tmux with `load-buffer -w`. It works under every set-clipboard; OSC 52 from inside does not."""
MOST_ENCODED = 74_994
"""Bytes of base64 that terminals accept in an OSC 52; source: k9s, which has asked around."""
COPIED_FILE = "copied.txt"
_TMUX_SECONDS = 2.0


class Route(Enum):
    """Destination of a copy."""

    TMUX = "tmux"
    TERMINAL = "the terminal"
    FILE = "a file"


@dataclass(frozen=True, slots=True)
class Copied:
    """Result of a copy."""

    said: str
    """Route of the copy, for the user."""
    for_terminal: str = ""
    """Control sequence that must still be written to the terminal."""


def route(environment: Mapping[str, str], tmux: Tmux | None, *, has_terminal: bool) -> Route:
    """The way that works here."""
    if tmux is not None:
        return Route.TMUX if tmux.number >= HANDS_ON else Route.FILE
    if not has_terminal or environment.get("TERM", "") in ("", "dumb", "linux") or environment.get("STY"):
        return Route.FILE
    return Route.TERMINAL


def copy(text: str, home: Path, *, has_terminal: bool = True) -> Copied:
    """Send `text` its way; a text that is too long for it, or that tmux does not take, goes into a file below `home`.

    Raises MachineError where not even that can be written.
    """
    try:
        way = route(os.environ, tmux_here(), has_terminal=has_terminal)
        if way is Route.TMUX:
            _into_tmux(text)
            return Copied("copied (tmux)")
    except MachineError as error:
        return _into_file(text, home, str(error))
    encoded = b64encode(text.encode()).decode()
    if way is Route.FILE:
        return _into_file(text, home, "no clipboard is reachable (see dlec doctor)")
    if len(encoded) > MOST_ENCODED:
        return _into_file(text, home, f"{len(text):,} characters are too long for OSC 52")
    return Copied("copied (OSC 52)", f"\x1b]52;c;{encoded}\a")


def _into_tmux(text: str) -> None:
    """Its own buffer, and by -w the clipboard of the terminal outside."""
    command = ["tmux", "load-buffer", "-w", "-"]
    try:
        subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=_TMUX_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineError("tmux rejected the text", why=shown(str(error))) from error


def _into_file(text: str, home: Path, why: str) -> Copied:
    path = home / COPIED_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise machine_error(f"{path} cannot be written", error) from error
    return Copied(f"written to {shown(str(path))}: {why}")
