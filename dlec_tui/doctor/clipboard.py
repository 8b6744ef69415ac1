"""Check of the route to the user's clipboard."""

import os
from collections.abc import Mapping

from dlec_tui.doctor.result import Finding, fine, note
from dlec_tui.doctor.terminal import terminal_size
from dlec_tui.terminal.clipboard import Route, route
from dlec_tui.terminal.tmux import Tmux, tmux_here
from engine.errors import shown

_NEWER_TMUX = "Use tmux 3.2 or newer to copy to your clipboard."


def look() -> Finding:
    return clipboard_finding(os.environ, tmux_here(), has_terminal=terminal_size() is not None)


def clipboard_finding(environment: Mapping[str, str], tmux: Tmux | None, *, has_terminal: bool) -> Finding:
    way = route(environment, tmux, has_terminal=has_terminal)
    if tmux is not None:
        return _through(tmux, way)
    if way is Route.TERMINAL:
        return fine("OSC 52, which most terminals copy to your clipboard")
    if has_terminal and environment.get("STY"):
        return note("a file: GNU screen blocks OSC 52", _NEWER_TMUX)
    return note("a file: no terminal with a clipboard")


def _through(tmux: Tmux, way: Route) -> Finding:
    if way is Route.FILE:
        return note(f"a file: tmux {shown(tmux.version)} does not forward OSC 52", _NEWER_TMUX)
    if tmux.outside and "clipboard" not in tmux.features:
        return note(
            f"the tmux buffer (prefix ]): tmux assumes that {shown(tmux.outside)} has no clipboard",
            f"If it has one, add to ~/.tmux.conf:\n  set -as terminal-features ',{shown(tmux.outside)}:clipboard'",
        )
    return fine("tmux load-buffer -w -, which tmux forwards to the outer terminal")
