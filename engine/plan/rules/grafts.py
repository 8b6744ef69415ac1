"""grafts: a graft does not fit the layers that it is put into.

Severity: error

Why: A graft takes tensors of another checkpoint by filters. Its layers must exist, each filter must match, and what is
taken must have the name and shape of what it replaces. A filter that also matches a tensor outside the layers would
make mergekit take that as well.

Source: mergekit's behaviour, verified by running it.

Example: `weight: [{filter: norm, value: 1}, {value: 0}]` in the last slice, which also takes the final norm.

Fix: Use filters such as `self_attn.o_proj`, and checkpoints of one family and width.
"""

from collections.abc import Iterator
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Graft, Slice
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

_Layer: TypeAlias = tuple[Checkpoint, int]


def check(facts: Facts) -> Iterator[Problem]:
    for slice_ in facts.plan.slices:
        if slice_.graft:
            message = next(_messages(facts, slice_, slice_.graft), None)
            if message:
                place = slice_.graft.model_at.place
                yield Problem("grafts", Severity.ERROR, message, place, "Correct the graft or its filters.")


def _messages(facts: Facts, slice_: Slice, graft: Graft) -> Iterator[str]:
    base, other = facts.checkpoints[slice_.model], facts.checkpoints[graft.model]
    end = graft.start + slice_.length
    if not 0 <= graft.start < end <= other.layer_count:
        yield f"[{graft.start}, {end}] is outside {shown(graft.model)}, which has {other.layer_count} layers"
        return
    outside = (name for name in (*base.anatomy.ends, *other.anatomy.ends) if graft.takes(name))
    yield from (f"a filter also matches {shown(name)}, which is outside the layers" for name in outside)
    if 0 <= slice_.start < slice_.end <= base.layer_count:
        for offset in range(slice_.length):
            yield from _misfits(graft, (base, slice_.start + offset), (other, graft.start + offset))


def _misfits(graft: Graft, receiver: _Layer, giver: _Layer) -> Iterator[str]:
    ours, theirs = _taken(graft, receiver), _taken(graft, giver)
    layers = f"layers {receiver[1]} and {giver[1]}"
    for pattern in graft.filters:
        if not any(pattern in giver[0].anatomy.layer_tensor(giver[1], suffix) for suffix in theirs):
            yield f"the filter {shown(pattern)} matches no tensor of layer {giver[1]} of {shown(graft.model)}"
    yield from (
        f"only one checkpoint has {shown(suffix)} in {layers}" for suffix in sorted(ours.keys() ^ theirs.keys())
    )
    for suffix in sorted(ours.keys() & theirs.keys()):
        if ours[suffix] != theirs[suffix]:
            yield f"{shown(suffix)} has the shape {list(theirs[suffix])}, but {list(ours[suffix])} in the slice"


def _taken(graft: Graft, layer: _Layer) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors of a layer that the graft replaces or gives, by name within the layer."""
    checkpoint, number = layer
    tensors = zip(checkpoint.anatomy.layers[number], checkpoint.layer_tensors(number), strict=True)
    return {suffix: tensor.shape for suffix, tensor in tensors if graft.takes(tensor.name)}
