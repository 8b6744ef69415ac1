"""Text of plans that recipes write."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.layer_keys.refusals import layers_in_place
from engine.errors import CheckpointError, UsageError, escaped, shown
from engine.files import is_text

MAX_LAYERS = 5_000
"""Maximum number of layers; a plan with one slice per layer can still be read."""

Scale: TypeAlias = tuple[str, float]
"""Filter, and factor for the tensors that it matches."""


@dataclass(frozen=True, slots=True)
class SliceText:
    """One slice to write."""

    start: int
    end: int
    comment: str
    scales: Sequence[Scale] = ()
    model: str = ""
    """Model of the slice if it is not the plan's."""


def plan_text(title: Iterable[str], model: str, slices: Iterable[SliceText]) -> str:
    """Return a plan over `model`, which gives config and tokenizer: title lines as comments, then its slices.

    Raises UsageError for a path that is not text, and for more than MAX_LAYERS layers.
    """
    written = list(_up_to_max_layers(slices))
    others = [slice_.model for slice_ in written if slice_.model not in ("", model)]
    for reference in dict.fromkeys([model, *others]):
        _require_text(reference)
    lines = [f"# {escaped(line)}" if line else "#" for line in title]
    lines += ["merge_method: passthrough"]
    lines += [f"base_model: {_scalar(model)}"] if others else []
    lines += ["slices:"]
    for slice_ in written:
        lines += _slice_lines(slice_.model or model, slice_)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class GraftText:
    """One slice of a plan with grafts."""

    start: int
    end: int
    comment: str
    filters: Sequence[str] = ()
    """Tensors that the other model gives; none: the slice is the model's own."""


def graft_plan_text(title: Iterable[str], model: str, other: str, slices: Iterable[GraftText]) -> str:
    """Return a plan over `model` in which `other` gives some tensors, as mergekit's `linear` with weights 0 and 1.

    Raises UsageError for a path that is not text.
    """
    for reference in (model, other):
        _require_text(reference)
    lines = [
        *(f"# {escaped(line)}" for line in title),
        "merge_method: linear",
        f"base_model: {_scalar(model)}",
        "slices:",
    ]
    for slice_ in slices:
        lines += ["  - sources:", *_source_lines(model, slice_, 0.0, 1.0)]
        lines += _source_lines(other, slice_, 1.0, 0.0) if slice_.filters else []
    return "\n".join(lines) + "\n"


def _source_lines(model: str, slice_: GraftText, taken: float, rest: float) -> list[str]:
    return [
        f"      - model: {_scalar(model)}",
        f"        layer_range: [{slice_.start}, {slice_.end}]  # {slice_.comment}",
        "        parameters:",
        "          weight:",
        *(f"            - {{filter: {_scalar(pattern)}, value: {taken}}}" for pattern in slice_.filters),
        f"            - {{value: {rest}}}",
    ]


def layers_in_words(start: int, end: int) -> str:
    """Return `[start, end)` in words, with an inclusive end: "layer 5" or "layers 5 to 8"."""
    return f"layer {start}" if end - start == 1 else f"layers {start} to {end - 1}"


def _up_to_max_layers(slices: Iterable[SliceText]) -> Iterable[SliceText]:
    """Yield the slices, and raise UsageError at the first beyond MAX_LAYERS: a recipe may generate billions."""
    layers = 0
    for slice_ in slices:
        layers += slice_.end - slice_.start
        if layers > MAX_LAYERS:
            raise UsageError(f"a plan can have at most {MAX_LAYERS:,} layers", fix="Use fewer copies or layers.")
        yield slice_


def _require_text(reference: str) -> None:
    if not is_text(reference):
        raise UsageError(
            f"a plan cannot name {shown(reference)}", why="its path is not UTF-8 text", fix="Use a symbolic link to it."
        )


def _slice_lines(model: str, slice_: SliceText) -> list[str]:
    lines = [
        "  - sources:",
        f"      - model: {_scalar(model)}",
        f"        layer_range: [{slice_.start}, {slice_.end}]  # {slice_.comment}",
    ]
    if slice_.scales:
        lines += ["        parameters:", "          scale:"]
        lines += [f"            - {{filter: {_scalar(pattern)}, value: {_number(f)}}}" for pattern, f in slice_.scales]
    return lines


def _scalar(text: str) -> str:
    """Return a scalar that YAML reads back as this text, quoted only if necessary."""
    style = None if text.isprintable() else '"'
    flow = yaml.safe_dump([text], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf)
    return str(flow).strip()[1:-1]


def _number(factor: float) -> str:
    """Return a factor with ten digits in YAML's notation."""
    return str(yaml.safe_dump([float(f"{factor:.10g}")], default_flow_style=True)).strip()[1:-1]


# Plans with inert copies: the new model computes the same as its base until they are trained


def inert_plan_text(title: Iterable[str], checkpoint: Checkpoint, slices: Iterable[SliceText]) -> str:
    """Return `plan_text` for slices of one checkpoint with inert copies.

    Raises CheckpointError if the copies would shift layers at which the model adds image features by number.
    """
    return plan_text(title, checkpoint.reference, _with_features_in_place(checkpoint, slices))


def _with_features_in_place(checkpoint: Checkpoint, slices: Iterable[SliceText]) -> Iterator[SliceText]:
    fixed = layers_in_place(checkpoint.config)
    place = 0
    for slice_ in slices:
        for layer in range(slice_.start, min(slice_.end, slice_.start + fixed - place)):
            if layer != place:
                raise _features_moved(checkpoint, fixed, layer)
            place += 1
        yield slice_


def _features_moved(checkpoint: Checkpoint, fixed: int, layer: int) -> CheckpointError:
    return CheckpointError(
        f"a copy of layer {layer} of {checkpoint.reference} would not be inert",
        why=f"the model adds image features at its lowest {fixed} layers, which the copy would shift",
        fix=f"Copy layers from {fixed - 1} on: set the layers to copy, or use fewer groups.",
    )
