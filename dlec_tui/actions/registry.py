"""All actions of the screen, in the order in which they are documented."""

from dlec_tui.actions.action import Action
from dlec_tui.actions.activations import ACTIVATIONS
from dlec_tui.actions.everywhere import EVERYWHERE
from dlec_tui.actions.models import MODELS
from dlec_tui.actions.plan import PLAN
from dlec_tui.actions.runs import RUNS

ACTIONS: tuple[Action, ...] = (*EVERYWHERE, *MODELS, *ACTIVATIONS, *PLAN, *RUNS)


def actions_of(area: str) -> tuple[Action, ...]:
    """Those of "app" or of one pane."""
    return tuple(action for action in ACTIONS if action.area == area)
