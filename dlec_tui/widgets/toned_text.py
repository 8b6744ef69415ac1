"""Lines with tones as text that knows the theme."""

from collections.abc import Sequence

from textual.content import Content

from dlec_tui.jobs.lines import Span

_STYLES = {
    "": "",
    "head": "bold",
    "dim": "$text-muted",
    "good": "$success",
    "bad": "$error",
    "warn": "$warning",
    "busy": "$accent",
}


def toned(lines: Sequence[Span]) -> Content:
    """A line each."""
    return Content("\n").join(Content.styled(text, _STYLES[tone]) for text, tone in lines)
