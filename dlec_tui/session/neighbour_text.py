"""Other workbenches, and the plans that they left unsaved, in words."""

from collections.abc import Sequence
from datetime import datetime

from dlec_tui.jobs.lines import clock
from dlec_tui.session.slots import Draft, Owner
from engine.errors import shown
from engine.store.job_states import as_moment
from engine.units import plural


def other_text(other: Owner, moment: datetime) -> str:
    """One that is open beside this one."""
    since = clock(as_moment(other.since), moment)
    who = f"process {other.pid} on {shown(other.host)}, since {since}"
    return f"Another workbench has this store open: {who}.\nEach keeps a session of its own, with its own plan."


def drafts_text(drafts: Sequence[Draft]) -> str:
    """What a notice says of them."""
    names = ", ".join(shown(draft.name) for draft in drafts)
    return f"{names}: changed in another workbench, and not saved. N in the plan pane opens it."


def draft_text(draft: Draft) -> str:
    """A line of a list."""
    return f"{shown(draft.name)}, {plural(len(draft.document.text.splitlines()), 'line')}, of another workbench"
