"""Writes the YAML of a plan, as a person would."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml

from engine.checkpoint.header import is_text
from engine.errors import UsageError, escaped, shown


@dataclass(frozen=True, slots=True)
class SliceText:
    """One slice to write."""

    start: int
    end: int
    comment: str
    zeroed: Sequence[str] = ()
    """Filters whose tensors are scaled to 0."""


def plan_text(title: Iterable[str], model: str, slices: Iterable[SliceText]) -> str:
    """A plan over one model: title lines as comments, then its slices. Raises UsageError for a path that is no text."""
    if not is_text(model):
        raise UsageError(
            f"a plan cannot name {shown(model)}", why="its path is not UTF-8 text", fix="Give it through a link."
        )
    lines = [f"# {escaped(line)}" if line else "#" for line in title]
    lines += ["merge_method: passthrough", "slices:"]
    for slice_ in slices:
        lines += _slice_lines(model, slice_)
    return "\n".join(lines) + "\n"


def layers_in_words(start: int, end: int) -> str:
    """`[start, end)` as a reader counts: "layer 5" or "layers 5 to 8"."""
    return f"layer {start}" if end - start == 1 else f"layers {start} to {end - 1}"


def _slice_lines(model: str, slice_: SliceText) -> list[str]:
    lines = [
        "  - sources:",
        f"      - model: {_quoted(model)}",
        f"        layer_range: [{slice_.start}, {slice_.end}]  # {slice_.comment}",
    ]
    if slice_.zeroed:
        lines += ["        parameters:", "          scale:"]
        lines += [f"            - {{filter: {_quoted(wanted)}, value: 0.0}}" for wanted in slice_.zeroed]
    return lines


def _quoted(text: str) -> str:
    """A scalar that YAML reads back as this text, quoted only where it must be."""
    style = None if text.isprintable() else '"'
    flow = yaml.safe_dump([text], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf)
    return str(flow).strip()[1:-1]
