"""Empty states of the activations pane, and reasons why an action is unavailable."""

from dlec_tui.wording import printable
from engine.errors import shown

NO_MODEL = """\
No model is open.

  1   show models (Enter: open one)"""
READING = "reading the store"
UNREADABLE = "Cannot read the measurements."
_NOT_MEASURED = """\
{name} has no measurements.

  p   profile the model (job): every layer and neuron, in one pass over a text
  m   score layers or blocks (job): effect of repeating or removing them
  d   compare the weights with those of another checkpoint (job)"""
_NEEDS_MARKS = "nothing marked (Space: mark the layer or block under the cursor)"
_ON_MARKS = ("add_marked", "unmark_all")
_JOBS = ("profile", "score", "compare")
_ONLY_IN = {
    "next_metric": ("curve", "map", "changes"),
    "next_overlay": ("curve",),
    "sort": ("neurons",),
    "reverse": ("neurons",),
    "filter": ("neurons",),
}
"""Actions that some views alone have a use for."""
_VIEWS = {"curve": "curve", "map": "heat map", "neurons": "neurons", "changes": "changes"}


def not_measured(name: str) -> str:
    """Empty state of a model without measurements."""
    return _NOT_MEASURED.format(name=shown(name))


def unreadable(problem: str) -> str:
    """Text if the store cannot be read."""
    return f"{UNREADABLE}\n\n{printable(problem)}"


def reason_without_measurements(action: str, says: str) -> str:
    """Why it cannot be done while nothing but the words `says` is shown."""
    if says == NO_MODEL:
        return "no model open (1: show models)"
    if says == READING:
        return READING
    if says.startswith(UNREADABLE):
        return UNREADABLE
    return "" if action in _JOBS else "this model has no measurements (p: profile)"


def reason_against_here(action: str, view: str, *, has_marks: bool) -> str:
    """Reason against an action in one view, or without marks."""
    if action in _ON_MARKS and not has_marks:
        return _NEEDS_MARKS
    views = _ONLY_IN.get(action, (view,))
    return "" if view in views else f"only available in: {', '.join(_VIEWS[each] for each in views)}"
