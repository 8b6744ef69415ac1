"""Writes the YAML of a plan, as a person would."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from engine.errors import UsageError, escaped, shown
from engine.files import is_text

MOST_LAYERS = 5_000
"""Beyond any model; with a slice for each the plan can still be read."""

Scale: TypeAlias = tuple[str, float]
"""A filter, and the factor for the tensors that it matches."""


@dataclass(frozen=True, slots=True)
class SliceText:
    """One slice to write."""

    start: int
    end: int
    comment: str
    scales: Sequence[Scale] = ()
    model: str = ""
    """Where it is not the plan's own."""


def plan_text(title: Iterable[str], model: str, slices: Iterable[SliceText]) -> str:
    """A plan over `model`: title lines as comments, then its slices. `model` gives config and tokenizer.

    Raises UsageError for a path that is no text, and for more layers than a plan can be read with.
    """
    written = list(_up_to_most_layers(slices))
    foreign = [slice_.model for slice_ in written if slice_.model not in ("", model)]
    for reference in dict.fromkeys([model, *foreign]):
        _require_text(reference)
    lines = [f"# {escaped(line)}" if line else "#" for line in title]
    lines += ["merge_method: passthrough"]
    lines += [f"base_model: {_scalar(model)}"] if foreign else []
    lines += ["slices:"]
    for slice_ in written:
        lines += _slice_lines(slice_.model or model, slice_)
    return "\n".join(lines) + "\n"


def layers_in_words(start: int, end: int) -> str:
    """`[start, end)` as a reader counts: "layer 5" or "layers 5 to 8"."""
    return f"layer {start}" if end - start == 1 else f"layers {start} to {end - 1}"


def _up_to_most_layers(slices: Iterable[SliceText]) -> Iterable[SliceText]:
    """The slices, as long as there are not too many: a recipe may be asked for billions, and makes them one by one."""
    layers = 0
    for slice_ in slices:
        layers += slice_.end - slice_.start
        if layers > MOST_LAYERS:
            raise UsageError(
                f"a plan for at most {MOST_LAYERS:,} layers can be written", fix="Ask for fewer copies or layers."
            )
        yield slice_


def _require_text(reference: str) -> None:
    if not is_text(reference):
        raise UsageError(
            f"a plan cannot name {shown(reference)}", why="its path is not UTF-8 text", fix="Give it through a link."
        )


def _slice_lines(model: str, slice_: SliceText) -> list[str]:
    lines = [
        "  - sources:",
        f"      - model: {_scalar(model)}",
        f"        layer_range: [{slice_.start}, {slice_.end}]  # {slice_.comment}",
    ]
    if slice_.scales:
        lines += ["        parameters:", "          scale:"]
        lines += [f"            - {{filter: {_scalar(wanted)}, value: {_number(f)}}}" for wanted, f in slice_.scales]
    return lines


def _scalar(text: str) -> str:
    """A scalar that YAML reads back as this text, quoted only where it must be."""
    style = None if text.isprintable() else '"'
    flow = yaml.safe_dump([text], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf)
    return str(flow).strip()[1:-1]


def _number(factor: float) -> str:
    """To ten digits, as YAML reads numbers: more than any weight has."""
    return str(yaml.safe_dump([float(f"{factor:.10g}")], default_flow_style=True)).strip()[1:-1]
