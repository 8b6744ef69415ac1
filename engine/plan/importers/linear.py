"""`merge_method: linear` as a stack: slices with one model, and optionally another with weight 0.

Before passthrough supported tokenizers, authors used `linear` with a dummy second source in the first and the last
slice. The weighted mean of a single model is that model.
"""

from dataclasses import replace
from functools import partial
from itertools import takewhile

from engine.errors import shown
from engine.plan.model import Plan, Position, ScaleEntry, ScaleLevel, Slice
from engine.plan.syntax.document import DOCUMENT_KEYS, read_plan
from engine.plan.syntax.nodes import Mapping, Scalar
from engine.plan.syntax.slices import check_slice, read_slices, read_source, sources_of
from engine.plan.syntax.values import Findings, as_mapping, check_keys, read_parameters
from engine.plan.syntax.writing import as_passthrough

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
    if plan is not None:
        message = "this `linear` plan is a stack; dlec reads it as the equivalent passthrough plan"
        change = as_passthrough(root, plan) if is_alone else None
        fix = "Use `passthrough`, and remove the sources with weight 0."
        findings.note("translated", message, root.place_of("merge_method"), fix, change)
    return plan


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
    taking_part = [(slice_, weight) for slice_, weight in weighed if weight]
    if len(taking_part) != 1 or any(weight is None for _, weight in weighed):
        _refuse(weighed, listed.place, findings)
        return None
    return _unweighed(*taking_part[0], divides=divides)


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
