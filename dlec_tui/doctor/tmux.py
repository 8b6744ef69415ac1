"""Check of tmux, which handles keys and clipboard between dlec and the terminal."""

from collections.abc import Iterator

from dlec_tui.doctor.result import Finding, fine, note
from dlec_tui.terminal.tmux import Tmux, tmux_here
from engine.errors import shown

SLOW_ESCAPE = 100
"""Milliseconds from which Esc feels slow."""


def look() -> Finding:
    return tmux_finding(tmux_here())


def tmux_finding(tmux: Tmux | None) -> Finding:
    if tmux is None:
        return fine("not inside tmux; jobs survive a lost connection anyway")
    value = (
        f"{shown(tmux.version)}, set-clipboard {shown(tmux.set_clipboard)}, "
        f"allow-passthrough {shown(tmux.allow_passthrough)}, escape-time {tmux.escape_ms} ms"
    )
    advice = "\n".join(_advice(tmux))
    return note(value, advice) if advice else fine(value)


def _advice(tmux: Tmux) -> Iterator[str]:
    if tmux.escape_ms >= SLOW_ESCAPE:
        yield "Esc is slow. Add to ~/.tmux.conf:\n  set -sg escape-time 10"
    if not tmux.is_unicode:
        yield "tmux draws _ instead of Unicode. Attach again:\n  tmux -u attach"
