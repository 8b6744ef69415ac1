"""Percentages and effects as text, and text that fits into terminal cells."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from engine.errors import escaped

Span: TypeAlias = tuple[str, str]
"""Text and its tone: "", "dim", "good", "bad", "warn", "busy" or "head"."""

_MOST_NATS = 50.0
"""Upper limit of NLL differences, worse than any model; prevents overflow."""


def cell_len(text: str) -> int:
    """Width of text in terminal cells."""
    if text.isascii() and text.isprintable():
        return len(text)
    from rich.cells import cell_len  # late: most text needs no tables, and commands start without them

    return cell_len(text)


def elided(text: str, width: int) -> str:
    """`text` in at most `width` cells; beginning and end of a longer one."""
    if cell_len(text) <= width:
        return text
    end = _tail(text, max(0, (width - 1) // 2))
    return f"{_head(text, width - 1 - cell_len(end))}…{end}" if width > 0 else ""


def clipped(text: str, width: int) -> str:
    """`text` in at most `width` cells; the beginning of a longer one."""
    if cell_len(text) <= width:
        return text
    return f"{_head(text, width - 1)}…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """`text` followed by blanks, at least `width` cells wide."""
    return text + " " * (width - cell_len(text))


def indented(text: str, width: int) -> str:
    """`text` preceded by blanks, at least `width` cells wide."""
    return " " * (width - cell_len(text)) + text


def packed(parts: Sequence[str], gap: str, width: int, height: int) -> list[str]:
    """Parts separated by `gap`, as many per line as fit; an ellipsis if `height` lines are not enough."""
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]}{gap}{part}" if lines else part
        if lines and cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(part)
    return shortened(lines, width, height)


def wrapped(lines: Sequence[str], width: int, height: int) -> list[str]:
    """Long lines wrapped at words; an ellipsis if `height` lines are not enough."""
    return shortened([part for line in lines for part in _broken(line, width)], width, height)


def _broken(line: str, width: int) -> list[str]:
    parts = []
    while cell_len(line) > width > 0:
        head = _head(line, width)
        at = head.rfind(" ") if line[len(head) : len(head) + 1] != " " else len(head)
        at = at if at > 0 else max(1, len(head))
        parts.append(line[:at].rstrip())
        line = line[at:].lstrip()
    return [*parts, line]


def shortened(lines: Sequence[str], width: int, height: int) -> list[str]:
    """Lines cut to `width` and `height`, with an ellipsis where text is missing."""
    shown = [clipped(line, width) for line in lines[: max(0, height)]]
    if shown and len(lines) > len(shown):
        shown[-1] = clipped(f"{shown[-1].removesuffix('…')} …", width)
    return shown


def _head(text: str, width: int) -> str:
    """Longest prefix that fits; a wide character is never cut in half."""
    if text.isascii() and text.isprintable():
        return text[: max(0, width)].rstrip()
    from rich.cells import set_cell_size

    return set_cell_size(text, max(0, width)).rstrip()


def _tail(text: str, width: int) -> str:
    """Longest suffix that fits; it never begins with a combining mark."""
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) <= width:
        start -= 1
    while start < len(text) and cell_len(text[start]) == 0:
        start += 1
    return text[start:]


def change(new: float, old: float) -> str:
    """Relative change from `old` to `new`: "+16.5 %", "+1,002 %"."""
    if not old:
        return "new"
    share = (new - old) / old
    return f"{share:+,.1%}".replace("%", " %") if abs(share) < 1 else f"{share:+,.0%}".replace("%", " %")


def harm(delta_nll: float, low: float, high: float) -> str:
    """Change of NLL as change of perplexity with its interval: "perplexity +9.6 % (95 % interval +8.9 to +10.3)".

    delta_nll, low, high: nats per token, new minus old, and the interval of that.
    """
    if delta_nll == low == high == 0:
        return "no difference: all predictions are identical"
    if low > 0:
        return f"perplexity +{_rise(delta_nll)} % (95 % interval +{_rise(low)} to +{_rise(high)})"
    if high < 0:
        return f"perplexity -{_fall(delta_nll)} % (95 % interval -{_fall(low)} to -{_fall(high)})"
    return f"no significant difference (95 % interval -{_fall(low)} to +{_rise(high)} %)"


def inconclusive(delta_nll: float, low: float, high: float) -> str:
    """The same for a base that predicts worse than expected: no verdict, because nothing follows."""
    if delta_nll == low == high == 0:
        return harm(delta_nll, low, high)
    change, least, most = (_signed_percentage(nats) for nats in (delta_nll, low, high))
    return (
        f"perplexity {change} % (95 % interval {least} to {most}); inconclusive: the base predicts worse than expected"
    )


def _signed_percentage(nats: float) -> str:
    return f"-{_fall(nats)}" if nats < 0 else f"+{_rise(nats)}"


def _rise(nats: float) -> str:
    """Increase of perplexity in percent, with at least two digits."""
    return _percentage(math.expm1(min(nats, _MOST_NATS)))


def _fall(nats: float) -> str:
    return _percentage(-math.expm1(nats))


def _percentage(share: float) -> str:
    percent = 100 * share
    return f"{percent:,.0f}" if percent >= 100 else f"{percent:.1f}" if percent >= 1 else f"{percent:.2g}"


def printable(text: str) -> str:
    """Foreign text of several lines with control characters escaped."""
    return "\n".join(map(escaped, text.split("\n")))


def clock(moment: datetime, now: datetime) -> str:
    """Local time, with the day if it is not today: "10:42", "Nov 20 10:42". Constant until midnight."""
    local, local_now = moment.astimezone(), now.astimezone()
    return f"{local:%H:%M}" if local.date() == local_now.date() else f"{local:%b %d %H:%M}"
