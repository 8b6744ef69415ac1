"""Has the footer drawn anew only when something in it was greyed out or is no more: it costs as much as a new page."""

from dlec_tui.actions.registry import actions_of
from dlec_tui.panes.pane import Pane


class FooterState:
    """What of one pane's actions could be done last."""

    def __init__(self, pane: Pane) -> None:
        self._pane = pane
        self._offered: list[str] = []

    def refresh(self) -> None:
        """To be called whenever it may have changed."""
        actions = [action for action in actions_of(self._pane.AREA) if action.in_footer]
        offered = [action.name for action in actions if not self._pane.workbench.reason_against(action)]
        if offered != self._offered:
            self._offered = offered
            self._pane.refresh_bindings()
