"""bakllama's `layer_slices`, the format of stacks in 2023, which mergekit no longer reads.

layer_slices: [{model, start, end, scale}], with scale as factor for down_proj
embedding_source, lm_head_source: donors
"""

from collections.abc import Iterator

from engine.plan.model import Beside, Plan, ScaleEntry, Slice
from engine.plan.syntax.nodes import Mapping
from engine.plan.syntax.values import (
    Findings,
    as_factor,
    as_mapping,
    as_sequence,
    as_whole_number,
    check_keys,
    read_model,
)
from engine.plan.syntax.writing import as_passthrough

DOCUMENT_KEYS = ("layer_slices", "embedding_source", "lm_head_source")
SLICE_KEYS = ("model", "start", "end", "scale")
SCALED = "down_proj"


def recognises(root: Mapping) -> bool:
    return "layer_slices" in root.entries


def read(root: Mapping, findings: Findings, *, is_alone: bool) -> Plan | None:
    check_keys(root, DOCUMENT_KEYS, "a bakllama file", findings)
    node = root.get("layer_slices")
    listed = None if node is None else as_sequence(node, "`layer_slices`", findings)
    if listed is None:
        return None
    mappings = (as_mapping(item, "a layer slice", findings) for item in listed.items())
    slices = tuple([slice_ for mapping in mappings if mapping and (slice_ := _read_slice(mapping, findings))])
    if not slices:
        findings.error("shape", "`layer_slices` is empty", listed.place)
        return None
    place = root.place_of("layer_slices")
    first, last = (tuple(_donor(root, key, findings)) for key in ("embedding_source", "lm_head_source"))
    plan = Plan(slices=(*first, *slices, *last), slices_place=place)
    message = "this is a bakllama file; dlec reads it as the equivalent passthrough plan"
    fix = "Save it as passthrough: mergekit no longer reads this format."
    findings.note("translated", message, place, fix, as_passthrough(root, plan) if is_alone else None)
    return plan


def _read_slice(mapping: Mapping, findings: Findings) -> Slice | None:
    check_keys(mapping, SLICE_KEYS, "a layer slice", findings)
    model, start, end = (mapping.get(key) for key in ("model", "start", "end"))
    if model is None or start is None or end is None:
        findings.error("shape", "a layer slice needs `model`, `start` and `end`", mapping.place)
        return None
    reference = read_model(model, findings)
    first, behind = as_whole_number(start, "`start`", findings), as_whole_number(end, "`end`", findings)
    if reference is None or first is None or behind is None:
        return None
    levels = tuple(_level(mapping, findings))
    return Slice(reference, first, behind, levels, mapping, Beside(start), model)


def _level(mapping: Mapping, findings: Findings) -> Iterator[tuple[ScaleEntry, ...]]:
    scale = mapping.given("scale")
    factor = None if scale is None else as_factor(scale, "`scale`", findings)
    if scale is not None and factor is not None:
        yield (ScaleEntry(SCALED, (factor,), scale),)


def _donor(root: Mapping, key: str, findings: Findings) -> Iterator[Slice]:
    """Yield a slice without layers that gives embeddings or head."""
    node = root.given(key)
    reference = None if node is None else read_model(node, findings, f"`{key}`")
    if node is not None and reference is not None:
        yield Slice(reference, 0, 0, (), node, Beside(node), node)
