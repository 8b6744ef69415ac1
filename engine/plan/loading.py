"""Tells a merge's faults from its sources' in what transformers says of the new checkpoint.

A merge takes tensors as they are. What transformers finds missing, unexpected or mis-shaped in a source it finds again
in the copies of that tensor, and layers that a plan puts behind the last one are not opened by design.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.load_check import KINDS, Complaint, LoadCheck
from engine.plan.stack import Stack

Openings: TypeAlias = Mapping[Checkpoint, LoadCheck]
"""What transformers says of the sources, as far as that is known."""


@dataclass(frozen=True)
class Opened:
    """What transformers says of a stack, as far as that is known."""

    sources: Openings = field(default_factory=dict)
    result: LoadCheck | None = None
    """The opening of the checkpoint that a merge would write, not yet judged."""


@dataclass(frozen=True, slots=True)
class Named:
    """A tensor's name taken apart."""

    layer: int | None
    """None outside the decoder's layers."""
    rest: str
    """What follows the layer's number, or the whole name."""


def named_of(complaint: Complaint, found: LoadCheck, checkpoint: Checkpoint) -> Named:
    """The tensor that a complaint is about; transformers and the file may call the decoder differently."""
    name = complaint.partition(": ")[0]
    for prefix in filter(None, (found.decoder, checkpoint.anatomy.layer_prefix)):
        if match := re.match(re.escape(prefix) + r"(\d+)\.", name):
            return Named(int(match[1]), name[match.end() :])
    return Named(None, name)


def judged(found: LoadCheck, stack: Stack, openings: Openings) -> LoadCheck:
    """`found` of the new checkpoint, with what is not the merge's fault among `inherited` and `behind`."""
    blames = {kind: _faults_of_sources(kind, openings) for kind in KINDS}

    def is_behind(complaint: Complaint) -> bool:
        return _is_put_behind(named_of(complaint, found, stack.config_donor), stack)

    def is_inherited(kind: str, complaint: Complaint) -> bool:
        origins = _origins(named_of(complaint, found, stack.config_donor), stack)
        return any(origin in blames[kind] for origin in origins)

    return _parted(found, is_behind, is_inherited)


def judged_alone(found: LoadCheck, checkpoint: Checkpoint, inherited: Collection[str] = ()) -> LoadCheck:
    """The same for a checkpoint without its sources: `inherited` is what was known of them when it was made."""
    announced = 0 if checkpoint.unannounced_layers else len(checkpoint.anatomy.trailing)
    behind = range(checkpoint.layer_count, checkpoint.layer_count + announced)

    def is_behind(complaint: Complaint) -> bool:
        return named_of(complaint, found, checkpoint).layer in behind

    return _parted(found, is_behind, lambda kind, complaint: f"{kind}: {complaint}" in inherited)


def _parted(
    found: LoadCheck, is_behind: Callable[[Complaint], bool], is_inherited: Callable[[str, Complaint], bool]
) -> LoadCheck:
    behind = tuple(complaint for complaint in found.unexpected if is_behind(complaint))
    rest = {kind: [each for each in getattr(found, kind) if each not in behind] for kind in KINDS}
    own = {kind: tuple(each for each in rest[kind] if not is_inherited(kind, each)) for kind in KINDS}
    return replace(
        found,
        missing=own["missing"],
        unexpected=own["unexpected"],
        mismatched=own["mismatched"],
        inherited=tuple(f"{kind}: {each}" for kind in KINDS for each in rest[kind] if each not in own[kind]),
        behind=behind,
    )


def _faults_of_sources(kind: str, openings: Openings) -> set[tuple[Checkpoint, Named]]:
    return {
        (checkpoint, named_of(complaint, found, checkpoint))
        for checkpoint, found in openings.items()
        for complaint in getattr(found, kind)
    }


def _is_put_behind(name: Named, stack: Stack) -> bool:
    count = len(stack.visits)
    return name.layer is not None and count <= name.layer < count + len(stack.head.checkpoint.anatomy.trailing)


def _origins(name: Named, stack: Stack) -> Iterator[tuple[Checkpoint, Named]]:
    """Where the tensor comes from."""
    if name.layer is None:
        ends = (stack.embedding.checkpoint, stack.head.checkpoint, stack.config_donor)
        yield from ((checkpoint, name) for checkpoint in dict.fromkeys(ends))
    elif name.layer < len(stack.visits):
        visit = stack.visits[name.layer]
        yield visit.checkpoint, Named(visit.layer, name.rest)
