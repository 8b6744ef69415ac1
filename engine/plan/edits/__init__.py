"""Edits of a plan as splices into its text: what an edit does not touch keeps its bytes, comments and style."""

from engine.plan.edits.edited import Edited
from engine.plan.edits.places import replace_span, replace_value
from engine.plan.edits.scale import RESIDUAL_WRITERS, set_scale
from engine.plan.edits.slices import (
    add_slice,
    delete_slice,
    duplicate_slice,
    move_slice,
    repeat_slice,
    set_range,
    split_slice,
)
from engine.plan.edits.views import SliceView, slices_of

__all__ = [
    "RESIDUAL_WRITERS",
    "Edited",
    "SliceView",
    "add_slice",
    "delete_slice",
    "duplicate_slice",
    "move_slice",
    "repeat_slice",
    "replace_span",
    "replace_value",
    "set_range",
    "set_scale",
    "slices_of",
    "split_slice",
]
