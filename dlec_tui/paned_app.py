"""App with panes: the pane in front, and actions from keys and the palette, with the reason if one is unavailable."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.dom import DOMNode
from textual.events import Key

from dlec_tui.actions.registry import EVERYWHERE, EVERYWHERE_AREA, QUIT, Action, actions_of, bindings
from dlec_tui.main_screen import MainScreen, offered_actions
from dlec_tui.panes.pane import Pane
from dlec_tui.terminal.app import TerminalApp
from dlec_tui.terminal.key_order import Typed
from dlec_tui.widgets.parts import ZOOM_CSS, is_zoomed, unzoom, zoom
from dlec_tui.workbench import WorkbenchContext


class PanedApp(TerminalApp, inherit_bindings=False):
    """Actions that every pane has, except quit."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-normal"), (140, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (18, "-low"), (30, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    ANSWERING = frozenset(("path", "plan-file", "added", "ask", "layer"))
    CSS = (
        ZOOM_CSS
        + "Toast { padding: 0 1; max-width: 76; } ToastRack { margin-bottom: 1; }"
        + "Input:ansi > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }"
    )

    def __init__(self, store: Path, *, read_only: bool, theme: str, only_ascii: bool) -> None:
        super().__init__(store.parent, theme=theme, only_ascii=only_ascii)
        self.store = store
        self.read_only = read_only
        self.log_file = None if read_only else self.log_file
        self._main = MainScreen(store)

    @property
    def workbench(self) -> WorkbenchContext:
        """State that panes share."""
        raise NotImplementedError

    def get_default_screen(self) -> MainScreen:
        return self._main

    @property
    def front(self) -> Pane:
        """Displayed pane."""
        assert self._main.front is not None
        return self._main.front

    @property
    def panes(self) -> list[Pane]:
        """Panes that have been displayed at least once."""
        return self._main.panes

    def ignores(self, typed: Typed) -> bool:
        """Whether a key is ignored: while the terminal is too small, only the keys that quit work."""
        if not self._main.is_too_small:
            return False
        leaving = self.keymap.keys(QUIT).split(",") if self.screen is self._main else ("escape", "ctrl+c")
        return not isinstance(typed, Key) or typed.key not in leaving

    async def show_pane(self, area: str) -> Pane:
        """Bring a pane to the front, creating it on first use."""
        with self.batch_update():  # drawn once, when it is whole
            pane = self._main.find(area)
            if pane is None:
                pane = await self._main.make(area, self.workbench)
                self.pane_made(pane)
            self._main.show(pane)
            self.pane_shown()
        return pane

    def pane_made(self, pane: Pane) -> None:
        """Hook: a pane was created and is about to be displayed."""

    def pane_shown(self) -> None:
        """Hook: another pane may be in front."""

    async def perform(self, action: Action) -> None:
        """Run an action, bringing its pane to the front first."""
        if self._is_refused(action):
            return
        where: DOMNode = self if action.area == EVERYWHERE_AREA else await self.show_pane(action.area)
        await self.run_action(action.name, where)

    def reason_against(self, action: Action) -> str:
        """Reason why an action is not available; "" if it is."""
        if action.writes and self.read_only:
            return "started with --read-only"
        if action.area == EVERYWHERE_AREA:
            return self._reason_against(action.name)
        pane = self._main.find(action.area)
        return pane.reason_against(action.name) if pane else ""

    async def run_action(
        self, action: Any, default_namespace: DOMNode | None = None, namespaces: Mapping[str, DOMNode] | None = None
    ) -> bool:
        """Run an action, or report why it is unavailable."""
        known = next((each for each in _actions_in(default_namespace) if each.name == action), None)
        if known and self._is_refused(known):
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def _reason_against(self, name: str) -> str:
        """Reason against an action of the app."""
        if name == "copy_value" and not self.front.value():
            return "nothing to copy"
        if name == "copy_command" and not self.front.command():
            return "no equivalent shell command"
        return "NO_COLOR is set" if name.startswith("use_theme") and self.no_color else ""

    def _is_refused(self, action: Action) -> bool:
        reason = self.reason_against(action)
        if reason:
            self.notify(reason, title=action.what, severity="warning")
        return bool(reason)

    async def action_show_models(self) -> None:
        await self.show_pane("models")

    async def action_show_activations(self) -> None:
        await self.show_pane("activations")

    async def action_show_plan(self) -> None:
        await self.show_pane("plan")

    async def action_show_runs(self) -> None:
        await self.show_pane("runs")

    def action_next_part(self) -> None:
        was_zoomed = is_zoomed(self.front)
        unzoom(self.front)
        self.front.next_part()
        if was_zoomed:
            self.action_zoom()

    def action_zoom(self) -> None:
        if is_zoomed(self.front):
            unzoom(self.front)
        elif self._main.focused:
            zoom(self.front, self._main.focused)

    def action_help(self) -> None:
        from dlec_tui.widgets.help import Help, help_sections  # late: not needed for the first frame

        self.push_screen(
            Help(self.front.ABOUT, help_sections(self._main, self.front.AREA, self.keymap, self.reason_against))
        )

    def action_command_palette(self) -> None:
        from dlec_tui.widgets.palette import Offer, Palette, all_actions

        offers = [
            Offer(action, self.keymap.keys(action), self.reason_against(action))
            for action in all_actions(offered_actions())
        ]
        self.push_screen(Palette(offers), self._perform_chosen)

    async def _perform_chosen(self, chosen: Action | None) -> None:
        if chosen:
            await self.perform(chosen)

    def action_jump(self) -> None:
        from dlec_tui.widgets.parts import Jump

        self.push_screen(Jump(self._main.focus_chain), lambda target: self._main.set_focus(target) if target else None)

    def action_copy_value(self) -> None:
        self.copy_to_clipboard(self.front.value())

    def action_copy_command(self) -> None:
        self.copy_to_clipboard(self.front.command())


def _actions_in(namespace: DOMNode | None) -> Sequence[Action]:
    """Actions whose methods the namespace has."""
    if isinstance(namespace, Pane):
        return actions_of(namespace.AREA)
    return EVERYWHERE if namespace is None or isinstance(namespace, PanedApp) else ()
