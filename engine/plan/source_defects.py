"""Separate defects of a merge from defects of its sources in transformers' loading report.

A merge copies tensors unchanged. Tensors that are missing, unexpected or mis-shaped in a source are so again in every
copy, and layers after the last decoder layer (multi-token prediction) are not loaded by design.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.load_check import KINDS, Complaint, LoadCheck
from engine.plan.stack import Stack

Openings: TypeAlias = Mapping[Checkpoint, LoadCheck]
"""Loading reports of the sources that transformers has opened."""


@dataclass(frozen=True)
class Opened:
    """Loading reports of a stack's sources and of its result."""

    sources: Openings = field(default_factory=dict)
    result: LoadCheck | None = None
    """Loading report of the checkpoint that a merge would write, before source defects are moved out."""


class Named(NamedTuple):
    """Layer and suffix of a tensor's name."""

    layer: int | None
    """Layer number; None outside the decoder's layers."""
    rest: str
    """Part after the layer number, or the whole name."""


def named_of(complaint: Complaint, report: LoadCheck, checkpoint: Checkpoint) -> Named:
    """Return the tensor of a complaint. transformers and the file may use different prefixes for the decoder."""
    name = complaint.partition(": ")[0]
    for prefix in filter(None, (report.decoder, checkpoint.anatomy.layer_prefix)):
        if match := re.match(re.escape(prefix) + r"(\d+)\.", name):
            return Named(int(match[1]), name[match.end() :])
    return Named(None, name)


def judged(report: LoadCheck, stack: Stack, openings: Openings) -> LoadCheck:
    """Return the report of the new checkpoint with source defects moved to `inherited` and `unopened`."""
    blames = {kind: _faults_of_sources(kind, openings) for kind in KINDS}

    def is_unopened(complaint: Complaint) -> bool:
        return _is_prediction_layer(named_of(complaint, report, stack.config_donor), stack)

    def is_inherited(kind: str, complaint: Complaint) -> bool:
        origins = _origins(named_of(complaint, report, stack.config_donor), stack)
        return any(origin in blames[kind] for origin in origins)

    return _parted(report, is_unopened, is_inherited)


def judged_alone(report: LoadCheck, checkpoint: Checkpoint, inherited: Collection[str] = ()) -> LoadCheck:
    """Do the same for a checkpoint without its sources; `inherited` lists their defects at the time of the merge."""
    announced = 0 if checkpoint.unannounced_layers else len(checkpoint.anatomy.trailing)
    unopened = range(checkpoint.layer_count, checkpoint.layer_count + announced)

    def is_unopened(complaint: Complaint) -> bool:
        return named_of(complaint, report, checkpoint).layer in unopened

    return _parted(report, is_unopened, lambda kind, complaint: f"{kind}: {complaint}" in inherited)


def _parted(
    report: LoadCheck, is_unopened: Callable[[Complaint], bool], is_inherited: Callable[[str, Complaint], bool]
) -> LoadCheck:
    unopened = tuple(complaint for complaint in report.unexpected if is_unopened(complaint))
    rest = {kind: [each for each in getattr(report, kind) if each not in unopened] for kind in KINDS}
    own = {kind: tuple(each for each in rest[kind] if not is_inherited(kind, each)) for kind in KINDS}
    return replace(
        report,
        missing=own["missing"],
        unexpected=own["unexpected"],
        mismatched=own["mismatched"],
        inherited=tuple(f"{kind}: {each}" for kind in KINDS for each in rest[kind] if each not in own[kind]),
        unopened=unopened,
    )


def _faults_of_sources(kind: str, openings: Openings) -> set[tuple[Checkpoint, Named]]:
    return {
        (checkpoint, named_of(complaint, report, checkpoint))
        for checkpoint, report in openings.items()
        for complaint in getattr(report, kind)
    }


def _is_prediction_layer(name: Named, stack: Stack) -> bool:
    count = len(stack.visits)
    return name.layer is not None and count <= name.layer < count + len(stack.head.checkpoint.anatomy.trailing)


def _origins(name: Named, stack: Stack) -> Iterator[tuple[Checkpoint, Named]]:
    """Yield the source tensors of an output tensor."""
    if name.layer is None:
        ends = (stack.embedding.checkpoint, stack.head.checkpoint, stack.config_donor)
        yield from ((checkpoint, name) for checkpoint in dict.fromkeys(ends))
    elif name.layer < len(stack.visits):
        visit = stack.visits[name.layer]
        yield visit.checkpoint, Named(visit.layer, name.rest)
