"""Edits of a plan's text. Text that an edit does not change keeps its bytes, comments and style."""

from engine.plan.edits.edited import Edited, replace_span
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
    "set_range",
    "set_scale",
    "slices_of",
    "split_slice",
]
