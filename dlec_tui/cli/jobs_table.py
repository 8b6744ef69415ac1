"""Jobs as a table: a line each, and another one where there is more to say than fits."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

import click

from dlec_tui.jobs.stored import StoredJob, StoredJobs
from dlec_tui.jobs.wording import detail, since
from dlec_tui.wording import cell_len, elided
from engine.errors import escaped
from engine.units import age

_COLOURS = {"running": "cyan", "held": "yellow", "done": "green", "failed": "red", "cancelled": "bright_black"}
_STATE, _PRIORITY, _AGE = 9, 4, 6
"""Widths of columns."""
_GAP = "  "
_NARROWEST = 20
"""Columns for a text in any case, however narrow the terminal is."""
_SHORTEST_TITLE = 26
"""Columns that a title has in any case when it shares its line."""
_AS_ABOVE = "as above"


def terminal_width() -> int | None:
    """None where stdout is no terminal: then every job is one whole line."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def job_table(found: StoredJobs, width: int | None) -> Iterator[str]:
    """In the order given, in `width` columns."""
    columns = _Columns(found.jobs)
    yield columns.header
    above = ""
    for stored in found.jobs:
        line, title = columns.line(stored, found.moment), escaped(stored.job.spec.title)
        more = detail(stored, found.moment)
        if width is None:
            yield f"{line}{title}{_GAP}{more}".rstrip()
        else:
            yield from _fitted(line, title, _AS_ABOVE if more and more == above else more, columns, width)
        above = more


class _Columns:
    """As wide as these jobs need."""

    def __init__(self, jobs: Sequence[StoredJob]) -> None:
        self.id = max([2, *(len(str(stored.job.id)) for stored in jobs)])
        self.slot = max([4, *(len(stored.job.spec.slot) for stored in jobs)])

    @property
    def header(self) -> str:
        return _GAP.join(self._padded("id", "state", "slot", "prio", "age", "title"))

    @property
    def before_title(self) -> int:
        return len(self.header) - len("title")

    def line(self, stored: StoredJob, moment: datetime) -> str:
        job = stored.job
        seconds = max(0.0, (moment - since(job)).total_seconds())
        fields = self._padded(str(job.id), job.state_name, job.spec.slot, str(job.spec.priority), age(seconds), "")
        fields[1] = click.style(fields[1], fg=_COLOURS.get(job.state_name))
        return _GAP.join(fields)

    def _padded(self, number: str, state: str, slot: str, priority: str, how_old: str, title: str) -> list[str]:
        return [
            number.rjust(self.id),
            state.ljust(_STATE),
            slot.ljust(self.slot),
            priority.rjust(_PRIORITY),
            how_old.rjust(_AGE),
            title,
        ]


def _fitted(line: str, title: str, more: str, columns: _Columns, width: int) -> Iterator[str]:
    """Everything on one line where it fits, else `more` on lines of its own."""
    room = max(_NARROWEST, width - columns.before_title)
    beside = room - len(_GAP) - cell_len(more)
    if more and beside >= min(cell_len(title), _SHORTEST_TITLE):
        yield f"{line}{elided(title, beside)}{_GAP}{_dim(more)}"
        return
    yield f"{line}{elided(title, room)}"
    indent = columns.id + len(_GAP)
    for part in textwrap.wrap(more, max(_NARROWEST, width - indent)):
        yield f"{' ' * indent}{_dim(part)}"


def _dim(text: str) -> str:
    return click.style(text, fg="bright_black")
