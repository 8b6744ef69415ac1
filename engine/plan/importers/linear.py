"""`merge_method: linear` as a stack: slices in which every tensor comes from one source, the others have weight 0.

Before passthrough supported tokenizers, authors used `linear` with a dummy second source in the first and the last
slice. The weighted mean of a single model is that model. Weights by filter choose a source for each tensor: a graft,
which passthrough cannot express.
"""

from dataclasses import replace
from functools import partial
from itertools import takewhile

from engine.errors import shown
from engine.plan.model import Graft, Plan, Position, ScaleEntry, ScaleLevel, Slice
from engine.plan.syntax.document import DOCUMENT_KEYS, read_plan
from engine.plan.syntax.nodes import Mapping, Scalar
from engine.plan.syntax.slices import check_slice, read_slices, read_source, sources_of
from engine.plan.syntax.values import Findings, as_mapping, check_keys, read_parameters
from engine.plan.syntax.writing import as_passthrough

_SOURCES_OF_GRAFT = 2
PARAMETERS = ("weight", "normalize")
RUN_MERGEKIT = "Run this merge with mergekit, then use its output directory as a model."

_read_weights = partial(read_parameters, known=PARAMETERS, parameter="weight")


def recognises(root: Mapping) -> bool:
    method = root.get("merge_method")
    return isinstance(method, Scalar) and method.text == "linear" and "slices" in root.entries


def read(root: Mapping, findings: Findings, *, is_alone: bool) -> Plan | None:
    check_keys(root, DOCUMENT_KEYS, "a plan", findings)
    weights = _read_weights(root, findings)
    divides = _divides(root)
    node = root.get("slices")
    read_slice = partial(_read_slice, weights, divides)
    slices = () if node is None else read_slices(node, findings, read_slice)
    plan = read_plan(root, slices, (), findings)
    if plan is not None and any(slice_.graft for slice_ in plan.slices):
        _check_grafts(plan, root, findings, is_alone=is_alone)
    elif plan is not None:
        message = "this `linear` plan is a stack; dlec reads it as the equivalent passthrough plan"
        change = as_passthrough(root, plan) if is_alone else None
        fix = "Use `passthrough`, and remove the sources with weight 0."
        findings.note("translated", message, root.place_of("merge_method"), fix, change)
    return plan


def _check_grafts(plan: Plan, root: Mapping, findings: Findings, *, is_alone: bool) -> None:
    if plan.earlier or not is_alone:
        message = "a plan with grafts cannot refer to other documents, nor they to it"
        findings.error("merge-method", message, root.place_of("merge_method"), "Write its slices of checkpoints.")


def _divides(root: Mapping) -> bool:
    """Return True if weights are divided by their sum."""
    parameters = root.get("parameters")
    normalize = parameters.get("normalize") if isinstance(parameters, Mapping) else None
    return not (isinstance(normalize, Scalar) and normalize.value in (False, 0))


def _read_slice(outer: ScaleLevel, divides: bool, mapping: Mapping, findings: Findings) -> Slice | None:
    check_slice(mapping, findings)
    level = _read_weights(mapping, findings)
    listed = sources_of(mapping, findings)
    if listed is None:
        return None
    sources = [as_mapping(item, "a source", findings) for item in listed.items()]
    read = [source and read_source(source, mapping, level, _read_weights, findings) for source in sources]
    weighed = [(slice_, _weight((*slice_.levels, outer))) for slice_ in read if slice_]
    if len(weighed) < len(read):
        return None
    if graft := _grafted([slice_ for slice_, _ in weighed], outer):
        return graft
    taking_part = [(slice_, weight) for slice_, weight in weighed if weight]
    if len(taking_part) != 1 or any(weight is None for _, weight in weighed):
        _refuse(weighed, listed.place, findings)
        return None
    return _unweighed(*taking_part[0], divides=divides)


def _grafted(sources: list[Slice], outer: ScaleLevel) -> Slice | None:
    """Return a slice whose second source gives the tensors that filters name; None for any other pair of sources.

    Both sources have the same filters, with weights 0 and 1, and the weights of one are the complement of the other's.
    """
    if len(sources) != _SOURCES_OF_GRAFT or len({slice_.length for slice_ in sources}) > 1:
        return None
    weights = [_weights((*slice_.levels, outer)) for slice_ in sources]
    filters = tuple(weights[0])[:-1]
    if not filters or tuple(weights[1]) != tuple(weights[0]):
        return None
    for giver, receiver in ((1, 0), (0, 1)):
        chosen = dict.fromkeys(filters, 1.0)
        if weights[giver] == {**chosen, None: 0.0} and weights[receiver] == {**dict.fromkeys(filters, 0.0), None: 1.0}:
            slice_, other = sources[receiver], sources[giver]
            named = tuple(pattern for pattern in filters if pattern is not None)
            return replace(slice_, levels=(), graft=Graft(other.model, other.start, named, other.model_at))
    return None


def _weights(levels: tuple[ScaleLevel, ...]) -> dict[str | None, float | None]:
    """Return the weight of each filter up to the first entry without one; None for a gradient."""
    weights: dict[str | None, float | None] = {}
    for entry in (entry for level in levels for entry in level):
        weights.setdefault(entry.filter, entry.values[0] if len(entry.values) == 1 else None)
        if entry.filter is None:
            break
    return weights


def _weight(levels: tuple[ScaleLevel, ...]) -> float | None:
    """Return the weight of every tensor; None if it is missing or differs between tensors."""
    entries = [entry for level in levels for entry in level]
    filtered = list(takewhile(lambda entry: entry.filter is not None, entries))
    unfiltered = entries[len(filtered) : len(filtered) + 1]
    values = {value for entry in (*filtered, *unfiltered) for value in entry.values}
    return values.pop() if unfiltered and len(values) == 1 else None


def _refuse(weighed: list[tuple[Slice, float | None]], place: Position, findings: Findings) -> None:
    if any(weight is None for _, weight in weighed):
        message = "a source of this slice has no weight, or different weights for its tensors"
    elif any(weight for _, weight in weighed):
        message = f"this slice mixes {' and '.join(shown(slice_.model) for slice_, weight in weighed if weight)}"
    else:
        message = "every source of this slice has weight 0: mergekit would divide by 0"
    findings.error("merge-method", message, place, RUN_MERGEKIT)


def _unweighed(slice_: Slice, weight: float, *, divides: bool) -> Slice:
    is_scaled = not divides and weight != 1
    return replace(slice_, levels=((ScaleEntry(None, (weight,), slice_.at),),) if is_scaled else ())
