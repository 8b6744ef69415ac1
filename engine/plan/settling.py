"""Settles a plan: what it says of earlier documents and of whole models, as slices of checkpoints.

An earlier document is never written to disk. Its slices take the place of its name, and where both it and the plan
scale a tensor, the factors are multiplied.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Plan, ScaleLevel, Slice
from engine.plan.nesting import donor_of, parts_of
from engine.plan.problems import Problem, Severity, has_errors

Checkpoints = Mapping[str, Checkpoint]


@dataclass(frozen=True)
class Settled:
    """A plan whose slices name checkpoints alone, and so do the documents it refers to."""

    plan: Plan | None
    """None when a problem stands in the way."""
    documents: tuple[Plan, ...]
    """The earlier documents, as far as they were settled."""
    problems: tuple[Problem, ...]


def settled(plan: Plan, checkpoints: Checkpoints) -> Settled:
    """`checkpoints` holds one for each of `plan.models`."""
    documents: dict[str, Plan] = {}
    problems: list[Problem] = []
    for document in (*plan.earlier, plan):
        problems += [*_outside(document, documents), *_not_cast(document, documents, plan)]
        if has_errors(problems):
            return Settled(None, tuple(documents.values()), tuple(problems))
        documents[document.name or ""] = _written_out(document, documents, checkpoints)
    *earlier, final = documents.values()
    return Settled(final, tuple(earlier), tuple(problems))


def _outside(plan: Plan, documents: Mapping[str, Plan]) -> Iterator[Problem]:
    """Ranges that do not lie inside the document they name; those of checkpoints are for the rules to check."""
    for slice_ in plan.slices:
        document = documents.get(slice_.model)
        if document is None or slice_.is_whole:
            continue
        layers = _depth(document)
        if not 0 <= slice_.start <= slice_.end <= layers:
            message = f"[{slice_.start}, {slice_.end}] does not lie inside `{shown(slice_.model)}`, of {layers} layers"
            fix = f"Its layers are 0 to {layers - 1}, and the end is exclusive: at most {layers}."
            yield Problem("layer-range", Severity.ERROR, message, slice_.range_place, fix)


def _not_cast(plan: Plan, documents: Mapping[str, Plan], final: Plan) -> Iterator[Problem]:
    """Casts of an earlier document are not made on the way: what the final one says is what counts."""
    given = final.out_dtype or final.dtype
    for name in plan.own_models:
        document = documents.get(name)
        wanted = document and (document.out_dtype or document.dtype)
        if document and wanted and wanted != given:
            message = f"`{shown(name)}` is to be {wanted}, and the final document {given or 'names no dtype'}"
            fix = "Earlier documents are not written to disk: only the final one's dtype counts."
            yield Problem("documents", Severity.WARNING, message, document.slices_place, fix)


def _written_out(plan: Plan, documents: Mapping[str, Plan], checkpoints: Checkpoints) -> Plan:
    whole = [_with_depth(slice_, documents, checkpoints) for slice_ in plan.slices]
    if documents.keys().isdisjoint(plan.own_models):
        return replace(plan, slices=tuple(whole), earlier=())
    slices = [part for slice_ in whole for part in _parts(slice_, plan.scale, documents, checkpoints)]
    first, last = documents.get(whole[0].model), documents.get(whole[-1].model)
    if first is not None:
        donor = donor_of(first, first.slices[0], whole[0], plan.scale, checkpoints)
        slices[:0] = [] if slices and _gives_the_same(donor, slices[0], plan.scale) else [donor]
    if last is not None:
        donor = donor_of(last, last.slices[-1], whole[-1], plan.scale, checkpoints)
        slices += [] if _gives_the_same(donor, slices[-1], plan.scale) else [donor]
    named = plan.base_model or whole[0].model
    base = documents[named].donor if named in documents else named
    return replace(plan, slices=tuple(slices), base_model=base, earlier=())


def _gives_the_same(donor: Slice, slice_: Slice, scale: ScaleLevel) -> bool:
    """Whether the slice that stands there anyway gives, outside the layers, what the donor would."""
    return donor.model == slice_.model and not (donor.levels or slice_.levels or scale)


def _parts(slice_: Slice, scale: ScaleLevel, documents: Mapping[str, Plan], checkpoints: Checkpoints) -> list[Slice]:
    document = documents.get(slice_.model)
    return [slice_] if document is None else list(parts_of(document, slice_, scale, checkpoints))


def _with_depth(slice_: Slice, documents: Mapping[str, Plan], checkpoints: Checkpoints) -> Slice:
    if not slice_.is_whole:
        return slice_
    document = documents.get(slice_.model)
    depth = _depth(document) if document else checkpoints[slice_.model].layer_count
    return replace(slice_, end=depth, is_whole=False)


def _depth(document: Plan) -> int:
    return sum(max(0, slice_.length) for slice_ in document.slices)
