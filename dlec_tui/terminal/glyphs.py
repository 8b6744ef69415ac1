"""The signs on the screen that are no letters: from Unicode, or from ASCII alone with --ascii.

`GLYPHS.done` is looked up when something is drawn, never kept: the terminal is known only after the modules are loaded.
"""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Glyphs:
    """Each is one cell wide, but for `arrow`, `ellipsis` and `plus_minus`.

    A sign is never the only difference: a word or a place says the same.
    """

    is_ascii: bool = False
    mark: str = "●"
    """Marked with Space."""
    done: str = "✓"
    failed: str = "✗"
    running: str = "▶"
    waiting: str = "·"
    held: str = "‖"
    cancelled: str = "○"
    error: str = "✗"
    """A problem that forbids something."""
    warning: str = "!"
    full: str = "█"
    half: str = "▀"
    """The upper half of a cell."""
    lower_half: str = "▄"
    shades: str = " ░▒▓█"
    """Shades from empty to full, without colour."""
    levels: str = "▁▂▃▄▅▆▇█"
    """Levels of a bar chart."""
    cursor: str = "▸"
    """Before the line that the cursor is on."""
    arrow: str = "→"
    """Two cells in ASCII."""
    ellipsis: str = "…"
    """Three cells in ASCII."""
    times: str = "×"  # noqa: RUF001 - that is what it is
    dot: str = "·"
    """Between parts of a line."""
    up: str = "↑"
    down: str = "↓"
    line: str = "─"
    bar: str = "│"
    delta: str = "Δ"
    plus_minus: str = "±"
    """Three cells in ASCII."""
    chart: str = "braille"
    """The marker for plotext's lines."""

    def speak_ascii(self) -> None:
        """Use ASCII in this process, which has one terminal."""
        self._become(_ASCII)

    def speak_unicode(self) -> None:
        self._become(Glyphs())

    def _become(self, other: "Glyphs") -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(other, field.name))


_ASCII = Glyphs(
    is_ascii=True,
    mark="*",
    done="+",
    failed="x",
    running=">",
    waiting=".",
    held="=",
    cancelled="-",
    error="x",
    warning="!",
    full="#",
    half='"',
    lower_half="_",
    shades=" .:*#",
    levels="_.:-=+*#",
    cursor=">",
    arrow="->",
    ellipsis="...",
    times="x",
    dot="-",
    up="^",
    down="v",
    line="-",
    bar="|",
    delta="d",
    plus_minus="+/-",
    chart="*",
)

GLYPHS = Glyphs()
