"""The main screen: four panes, the lines above and below them, and the job feed."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from textual.app import ComposeResult
from textual.events import Resize, ScreenResume
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from dlec_tui.actions.registry import Action
from dlec_tui.panes.pane import Pane
from dlec_tui.terminal.textual_private import breakpoint_classes
from dlec_tui.widgets.frame import COLUMNS, LINES, JobStrip, KeyLine, SizeGate, TopLine
from dlec_tui.widgets.job_feed import JobFeed
from dlec_tui.workbench import WorkbenchContext

PANES: Mapping[str, str] = {
    "models": "dlec_tui.panes.models:ModelsPane",
    "activations": "dlec_tui.panes.activations:ActivationsPane",
    "plan": "dlec_tui.panes.plan:PlanPane",
    "runs": "dlec_tui.panes.runs:RunsPane",
}
"""Panes in display order. A pane is imported and created when it is first shown."""


class MainScreen(Screen[None]):
    """Screen below all dialogs."""

    DEFAULT_CSS = """
    MainScreen ContentSwitcher { height: 1fr; }
    MainScreen SizeGate { display: none; }
    MainScreen.-tiny SizeGate, MainScreen.-flat SizeGate { display: block; }
    MainScreen.-tiny ContentSwitcher, MainScreen.-flat ContentSwitcher { display: none; }
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Focused widget, without repainting: Textual would send the whole screen after every change of focus."""

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self.top_line = TopLine()
        self.job_strip = JobStrip()
        self._switcher = ContentSwitcher()

    def compose(self) -> ComposeResult:
        yield self.top_line
        yield self._switcher
        yield SizeGate()
        yield self.job_strip
        yield JobFeed(self._store)
        yield KeyLine()

    def on_mount(self) -> None:
        """Set the breakpoints before the first frame; Textual would draw one frame and then restyle everything."""
        width, height = self.app.size
        for of, breakpoints in ((width, self.app.HORIZONTAL_BREAKPOINTS), (height, self.app.VERTICAL_BREAKPOINTS)):
            self.add_class(*breakpoint_classes(self, of, breakpoints or []))

    @property
    def is_too_small(self) -> bool:
        """Whether the terminal is too small for the panes."""
        width, height = self.app.size
        return width < COLUMNS or height < LINES

    @property
    def front(self) -> Pane | None:
        """Visible pane; None before the first one."""
        return next((pane for pane in self.panes if pane.id == self._switcher.current), None)

    @property
    def panes(self) -> list[Pane]:
        """Panes shown so far."""
        return list(self._switcher.query_children(Pane))

    def find(self, area: str) -> Pane | None:
        """Pane of an area; None if it was not shown yet."""
        return next((pane for pane in self.panes if area == pane.AREA), None)

    async def make(self, area: str, workbench: WorkbenchContext) -> Pane:
        """Create a pane."""
        pane = pane_class(area)(workbench, id=area)
        await self._switcher.add_content(pane)
        return pane

    def show(self, pane: Pane) -> None:
        self._switcher.current = pane.id
        pane.come_to_front()

    def on_screen_resume(self, event: ScreenResume) -> None:  # noqa: ARG002
        """Adapt to a terminal that was resized while a dialog was open."""
        if self.size != self.app.size:
            self.post_message(Resize(self.app.size, self.app.size))

    def on_resize(self) -> None:
        self.call_after_refresh(self._have_focus)

    def _have_focus(self) -> None:
        """Set the focus after the terminal was too small to have one."""
        if self.front and self.focused is None:
            self.front.come_to_front()


def offered_actions() -> list[Action]:
    """Actions of all panes that only the palette lists."""
    return [offer for area in PANES for offer in pane_class(area).offers()]


def pane_class(area: str) -> type[Pane]:
    module, _, name = PANES[area].partition(":")
    cls: type[Pane] = getattr(import_module(module), name)
    return cls
