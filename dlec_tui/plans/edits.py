"""Edits by keys and forms, based on engine.plan.edits. Reads only headers of models."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from dlec_tui.measurements.requests import Field, Values
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.residual import residual_writers
from engine.errors import DlecError, UsageError, escaped, shown
from engine.plan.edits import RESIDUAL_WRITERS, Edited, SliceView, add_slice, replace_span, slices_of
from engine.plan.model import Position
from engine.plan.recipes.blocks import filters_for
from engine.plan.recipes.dlec import write

Block = tuple[int, int]
"""Layers [start, end)."""


def writers_of(view: SliceView, open_checkpoint: Callable[[str], Checkpoint]) -> Sequence[str]:
    """Filters for what a slice's layers write into the residual stream; the usual ones where that is not known."""
    if view.start is None or view.end is None or not view.models:
        return RESIDUAL_WRITERS
    try:
        checkpoint = open_checkpoint(view.models[0])
        block = (view.start, min(view.end, checkpoint.layer_count))
        return filters_for(checkpoint, block, partial(residual_writers, checkpoint)) or RESIDUAL_WRITERS
    except DlecError:
        return RESIDUAL_WRITERS


def slice_fields(model: str, view: SliceView | None) -> tuple[Field, ...]:
    """Fields of the form for a new slice that continues `view`."""
    start = view.end if view is not None and view.end is not None else 0
    return (
        Field("model", "model", model, explanation="directory or hub id"),
        Field("start", "start", str(start), explanation="first layer"),
        Field("end", "end", str(start + 1), explanation="end (excluded)"),
    )


def new_slice(values: Values) -> tuple[str, int, int]:
    """Model, start and end. Raises UsageError for invalid values."""
    if not values["model"].strip():
        raise UsageError("a slice needs a model", fix="Enter a directory or a hub id.")
    start, end = whole(values["start"], "start"), whole(values["end"], "end")
    if end < start:
        raise UsageError(f"[{start}, {end}] is reversed", fix=f"Did you mean [{end}, {start}]?")
    return values["model"].strip(), start, end


def whole(text: str, what: str) -> int:
    """A whole number from 0 on. Raises UsageError for anything else."""
    if not text.strip().isascii() or not text.strip().isdecimal():
        raise UsageError(
            f"{shown(text) or 'nothing'} is not a valid number for {what}", fix="Enter a whole number of at least 0."
        )
    return int(text)


def wrong_with_number(text: str) -> str:
    return "" if text.isascii() and text.isdecimal() else "enter a whole number"


def wrong_with_factor(text: str) -> str:
    try:
        return "" if not text or math.isfinite(float(text)) else "enter a finite number"
    except ValueError:
        return "enter a number, such as 0.5"


def factor_from(text: str) -> float | None:
    """None: no scale."""
    return float(text) if text else None


def with_blocks(
    text: str,
    reference: str,
    blocks: Sequence[Block],
    justification: str,
    open_checkpoint: Callable[[str], Checkpoint],
) -> Edited:
    """Append blocks as slices; for an empty plan, repeat them in the whole model.

    Raises DlecError.
    """
    if not text.strip():
        return Edited(write(open_checkpoint(reference), blocks, [justification] if justification else []))
    notes = []
    for block in blocks:
        edited = _with_block(text, reference, block, justification)
        text = edited.text
        notes.append(edited.note)
    return Edited(text, "; ".join(dict.fromkeys(filter(None, notes))))


def _with_block(text: str, reference: str, block: Block, justification: str) -> Edited:
    views = slices_of(text)
    edited = add_slice(text, len(views) - 1 if views else None, reference, *block)
    line = slices_of(edited.text)[-1].first_line
    return Edited(_with_comment(edited.text, line, justification), edited.note)


def _with_comment(text: str, line: int, comment: str) -> str:
    """Insert a comment above a line, with its indentation. Flow-style plans get no comment."""
    written = text.splitlines()[line - 1]
    if not comment or not written.lstrip().startswith("-"):
        return text
    indent = written[: len(written) - len(written.lstrip())]
    place = Position(line, 1)
    return replace_span(text, place, place, f"{indent}# {escaped(comment)}\n").text
