"""Counts as bars of text."""

from collections.abc import Sequence

from dlec_tui.terminal.glyphs import GLYPHS


def bar_lines(counts: Sequence[int], width: int, height: int) -> list[str]:
    """A bar for each count, all equally wide, at most `width` columns together; the highest fills `height` lines."""
    highest, column = max(counts, default=0), max(width // max(len(counts), 1), 1)
    eighths = [round(count / highest * height * len(GLYPHS.levels)) if highest else 0 for count in counts]
    lines = []
    for line in reversed(range(height)):
        filled = (min(max(each - line * len(GLYPHS.levels), 0), len(GLYPHS.levels)) for each in eighths)
        lines.append("".join((f" {GLYPHS.levels}")[each] * column for each in filled)[:width])
    return lines
