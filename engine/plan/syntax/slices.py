"""Reads the slices of a plan, in the `slices:` and the `models:` form."""

from collections.abc import Iterator

from engine.errors import shown
from engine.plan.model import ScaleLevel, Slice
from engine.plan.syntax.nodes import Mapping, Node, Scalar, Sequence
from engine.plan.syntax.reading import (
    Findings,
    as_mapping,
    as_sequence,
    as_text,
    as_whole_number,
    check_keys,
    kind,
)
from engine.plan.syntax.scales import read_parameters

SLICE_KEYS = ("sources", "parameters", "base_model", "residual_weight")
SOURCE_KEYS = ("model", "layer_range", "parameters")
MODEL_KEYS = ("model", "lora", "override_architecture")


def read_slices(node: Node, found: Findings) -> tuple[Slice, ...]:
    """Every readable slice; unreadable ones are among the findings."""
    listed = as_sequence(node, "`slices`", found)
    if listed is None:
        return ()
    if not listed.items:
        found.error("shape", "`slices` is empty", node.place, "A plan needs at least one slice.")
    return tuple(slice_ for item in listed.items for slice_ in _read_slice(item, found))


def _read_slice(node: Node, found: Findings) -> Iterator[Slice]:
    mapping = as_mapping(node, "a slice", found)
    if mapping is None:
        return
    check_keys(mapping, SLICE_KEYS, "a slice", found)
    source = _only_source(mapping, found)
    if source is not None:
        yield from _read_source(source, mapping, read_parameters(mapping, found), found)


def _only_source(slice_: Mapping, found: Findings) -> Mapping | None:
    """Passthrough takes its tensors from exactly one source per slice."""
    node = slice_.get("sources")
    if node is None:
        found.error("shape", "this slice has no `sources`", slice_.place)
        return None
    sources = as_sequence(node, "`sources`", found)
    if sources is None:
        return None
    if len(sources.items) != 1:
        message = f"a passthrough slice has exactly one source, not {len(sources.items)}"
        found.error("single-source", message, node.place, "Give each source a slice of its own.")
        return None
    return as_mapping(sources.items[0], "a source", found)


def _read_source(source: Mapping, slice_: Mapping, level: ScaleLevel, found: Findings) -> Iterator[Slice]:
    check_keys(source, SOURCE_KEYS, "a source", found)
    own_level = read_parameters(source, found)
    model = source.get("model")
    layer_range = source.get("layer_range")
    for key, value in (("model", model), ("layer_range", layer_range)):
        if value is None:
            found.error("shape", f"this source has no `{key}`", source.place)
    if model is None or layer_range is None:
        return
    reference, bounds = read_model(model, found), _read_range(layer_range, found)
    if reference is not None and bounds is not None:
        levels = tuple(each for each in (own_level, level) if each)
        yield Slice(reference, *bounds, levels, slice_.place, layer_range.place, model.place)


def _read_range(node: Node, found: Findings) -> tuple[int, int] | None:
    if not isinstance(node, Sequence) or len(node.items) != 2:
        message = f"`layer_range` must be [start, end], not {kind(node)}"
        found.error("layer-range", message, node.place, "The end is exclusive: [0, 4] is layers 0, 1, 2 and 3.")
        return None
    start, end = (as_whole_number(item, "a bound of `layer_range`", found) for item in node.items)
    return None if start is None or end is None else (start, end)


def read_model(node: Node, found: Findings) -> str | None:
    """A model reference: text, or mergekit's mapping form."""
    if isinstance(node, Scalar):
        reference = as_text(node, "`model`", found)
        if reference and "+" in reference.rpartition("/")[2]:
            _refuse_lora(node, found)
            return None
        return reference
    mapping = as_mapping(node, "`model`", found)
    if mapping is None:
        return None
    check_keys(mapping, MODEL_KEYS, "a model", found)
    if mapping.get("lora") is not None:
        _refuse_lora(node, found)
        return None
    inner = mapping.get("model")
    return None if inner is None else _read_path(inner, found)


def _read_path(node: Node, found: Findings) -> str | None:
    if not isinstance(node, Mapping):
        return as_text(node, "`model`", found)
    path, revision = node.get("path"), node.get("revision")
    text = None if path is None else as_text(path, "`path`", found)
    return f"{text}@{shown(revision.text)}" if text and isinstance(revision, Scalar) and revision.text else text


def _refuse_lora(node: Node, found: Findings) -> None:
    found.error(
        "lora", "adapters cannot be stacked as they are", node.place, "Merge the LoRA into its base first (peft)."
    )
