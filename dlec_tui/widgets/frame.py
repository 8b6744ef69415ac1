"""Lines around the panes: tabs, jobs, keys; and the text on a terminal that is too small."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click, Resize
from textual.widget import Widget
from textual.widgets import Static

from dlec_tui.plans.document import PlanDocument
from engine.errors import shown

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJobs


@dataclass(frozen=True, slots=True)
class About:
    """Subject of the panes."""

    reference: str | None
    """Open model."""
    document: PlanDocument
    read_only: bool


class TopLine(Horizontal):
    """Names of the panes with their keys on the left, model and plan on the right."""

    DEFAULT_CSS = """
    TopLine { height: 1; background: $panel; }
    TopLine > #tabs { width: auto; }
    TopLine > #about { width: 1fr; text-align: right; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tabs = Static(id="tabs")
        self._subject = Static(id="about")
        self._shown: tuple[str, str] | None = None
        self._areas: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield self._subject

    def show(self, areas: Sequence[str], front: str, subject: About) -> None:
        now = front, about_text(subject)
        if now == self._shown:
            return
        self._shown, self._areas = now, areas
        self._tabs.update(_tabs_text(areas, front))
        self._subject.update(Text(now[1], no_wrap=True, overflow="ellipsis"))

    async def on_click(self, event: Click) -> None:
        """Show the pane of the clicked tab."""
        ends = accumulate(cell_len(_tab_text(at, area)) for at, area in enumerate(self._areas, 1))
        clicked = next((area for area, end in zip(self._areas, ends, strict=True) if event.screen_x < end), None)
        if clicked:
            await self.app.run_action(f"app.show_{clicked}")


def about_text(subject: About) -> str:
    """Model and plan, with a star where something is not saved."""
    document = subject.document
    model = Path(subject.reference).name if subject.reference else ""
    plan = document.path.name if document.path else "unsaved plan" if document.text else ""
    star = "*" if document.path and document.is_changed else ""
    parts = ("read-only" if subject.read_only else "", model, plan + star)
    return "  ".join(shown(part) for part in parts if part)


def _tabs_text(areas: Sequence[str], front: str) -> Text:
    tabs = (Text(_tab_text(at, area), "bold reverse" if area == front else "") for at, area in enumerate(areas, 1))
    return Text().join(tabs)


def _tab_text(number: int, area: str) -> str:
    return f" {number} {area} "


class JobStrip(Static):
    """One line of jobs; of several running jobs the latest, with their number."""

    DEFAULT_CSS = "JobStrip { height: 1; padding: 0 1; background: $panel; text-overflow: clip; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._jobs: StoredJobs | None = None
        self._text = ""

    def show(self, jobs: "StoredJobs") -> None:
        self._jobs = jobs
        self._redraw()

    def on_resize(self, _event: Resize) -> None:
        if self._jobs:
            self._redraw()

    def _redraw(self) -> None:
        from dlec_tui.jobs.progress import strip_text  # late: it comes with the jobs, and the screen before them

        assert self._jobs is not None
        text = strip_text(self._jobs, self.content_size.width)
        if text != self._text:
            self._text = text
            self.update(Text(text, no_wrap=True), layout=False)


_KEY_GAP = " "
_EVERYWHERE = 3
"""Keys at the end of the line that are the same in every pane: help, palette, quit."""


@dataclass(frozen=True, slots=True)
class LineKey:
    """One key with what it does."""

    key: str
    """Key as Textual names it."""
    shown: str
    does: str
    can: bool
    """Whether it does that now."""

    @property
    def content(self) -> Content:
        if not self.can:
            return Content.styled(f"{self.shown} {self.does}", "$text-disabled")
        return Content.assemble((self.shown, "bold $footer-key-foreground"), " ", self.does)


def _width_of(keys: Sequence[LineKey]) -> int:
    return sum(key.content.cell_length for key in keys) + len(_KEY_GAP) * (len(keys) - 1)


class KeyLine(Widget):
    """Follows the focus, and what can be done."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine { height: 1; text-wrap: nowrap; color: $footer-description-foreground; background: $footer-background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[LineKey, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._look())

    def render(self) -> Content:
        return Content(_KEY_GAP).join(key.content for key in self._fitting())

    def on_resize(self) -> None:
        self.refresh()

    def _fitting(self) -> tuple[LineKey, ...]:
        """Keys that fit; the last ones belong to all panes and stay."""
        keys = list(self._keys)
        while len(keys) > _EVERYWHERE and _width_of(keys) > self.size.width:
            del keys[-_EVERYWHERE - 1]
        return tuple(keys)

    def on_click(self, event: Click) -> None:
        """Press the clicked key."""
        at = 0
        for key in self._fitting():
            at += key.content.cell_length + len(_KEY_GAP)
            if event.x < at:
                self.app.simulate_key(key.key)
                return

    def _look(self) -> None:
        keys = {
            binding.action: LineKey(binding.key, self.app.get_key_display(binding), binding.description, enabled)
            for _, binding, enabled, _ in reversed(self.screen.active_bindings.values())
            if binding.show
        }
        shown = tuple(reversed(keys.values()))  # the first key of an action represents it
        if shown != self._keys:
            self._keys = shown
            self.refresh()


COLUMNS, LINES = 60, 18
"""Minimum size for the panes."""


class SizeGate(Static):
    """Message shown instead of the panes while the terminal is too small."""

    DEFAULT_CSS = "SizeGate { height: 1fr; content-align: center middle; text-align: center; }"

    def on_resize(self, event: Resize) -> None:  # noqa: ARG002
        width, height = self.app.size
        self.update(f"The terminal is {width}x{height}.\ndlec needs {COLUMNS}x{LINES}.")
