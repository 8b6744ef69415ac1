"""The first line: which pane is in front, and what the panes are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Click
from textual.widgets import Static

from dlec_tui.plans.document import PlanDocument
from engine.errors import shown


@dataclass(frozen=True, slots=True)
class About:
    """What the panes are about."""

    reference: str | None
    """Of the model."""
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
        self._about = Static(id="about")
        self._shown: tuple[str, str] | None = None
        self._areas: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        yield self._tabs
        yield self._about

    def show(self, areas: Sequence[str], front: str, about: About) -> None:
        now = front, about_text(about)
        if now == self._shown:
            return
        self._shown, self._areas = now, areas
        self._tabs.update(_tabs_text(areas, front))
        self._about.update(Text(now[1], no_wrap=True, overflow="ellipsis"))

    async def on_click(self, event: Click) -> None:
        """On a name: go to that pane."""
        ends = accumulate(cell_len(_tab_text(at, area)) for at, area in enumerate(self._areas, 1))
        clicked = next((area for area, end in zip(self._areas, ends, strict=True) if event.screen_x < end), None)
        if clicked:
            await self.app.run_action(f"app.show_{clicked}")


def about_text(about: About) -> str:
    """Model and plan, with a star where something is not saved."""
    document = about.document
    model = Path(about.reference).name if about.reference else ""
    plan = document.path.name if document.path else "unsaved plan" if document.text else ""
    star = "*" if document.path and document.is_changed else ""
    parts = ("read-only" if about.read_only else "", model, plan + star)
    return "  ".join(shown(part) for part in parts if part)


def _tabs_text(areas: Sequence[str], front: str) -> Text:
    tabs = (Text(_tab_text(at, area), "bold reverse" if area == front else "") for at, area in enumerate(areas, 1))
    return Text().join(tabs)


def _tab_text(number: int, area: str) -> str:
    return f" {number} {area} "
