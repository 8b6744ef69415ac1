"""Makes an order in a thread, because it reads the disk, and has the workbench submit it."""

from collections.abc import Callable
from functools import partial

from dlec_tui.panes.pane import Pane
from engine.errors import DlecError
from engine.store.jobs import Order


def order(pane: Pane, made: Callable[[], Order]) -> None:
    """What stands in the way is told where notices are."""
    pane.run_worker(partial(_order, pane, made), group="order", thread=True)


def _order(pane: Pane, made: Callable[[], Order]) -> None:
    try:
        orders = [made()]
    except DlecError as error:
        pane.app.call_from_thread(pane.notify, str(error), severity="error", markup=False)
    else:
        pane.app.call_from_thread(pane.workbench.submit, orders)
