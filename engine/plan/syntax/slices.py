"""Read what a plan stacks: the forms `slices`, `models` and `modules`.

mergekit requires `modules` for models with several towers. Slices apply to the language model; dlec carries the other
towers along from the config's donor, so the plan must describe them as exactly that.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from engine.errors import shown
from engine.plan.model import Beside, ScaleLevel, Slice
from engine.plan.syntax.nodes import Mapping, Node, Sequence
from engine.plan.syntax.values import (
    Findings,
    as_mapping,
    as_sequence,
    as_whole_number,
    check_keys,
    kind,
    read_model,
    read_parameters,
)

SLICE_KEYS = ("sources", "parameters", "base_model", "residual_weight")
SOURCE_KEYS = ("model", "layer_range", "parameters")
LISTED_MODEL_KEYS = ("model", "parameters")

SliceReader: TypeAlias = Callable[[Mapping, Findings], "Slice | None"]
"""Function that reads the mapping of one slice."""


def read_slices(node: Node, findings: Findings, read_slice: SliceReader | None = None) -> tuple[Slice, ...]:
    """Read the slices. Unreadable ones are reported and left out."""
    listed = as_sequence(node, "`slices`", findings)
    if listed is None:
        return ()
    items = listed.items()
    if not items:
        findings.error("shape", "`slices` is empty", node.place, "Add at least one slice.")
    mappings = (as_mapping(item, "a slice", findings) for item in items)
    read = read_slice or read_passthrough_slice
    return tuple([slice_ for mapping in mappings if mapping is not None and (slice_ := read(mapping, findings))])


def read_listed_models(node: Node, findings: Findings) -> tuple[Slice, ...]:
    """Read the `models:` form: all layers of one model."""
    listed = as_sequence(node, "`models`", findings)
    if listed is None:
        return ()
    items = listed.items()
    if len(items) != 1:
        message = f"passthrough takes a single model here, not {len(items)}"
        findings.error("single-source", message, node.place, "Use `slices`, with the layers of each model.")
        return ()
    entry = as_mapping(items[0], "an entry of `models`", findings)
    return () if entry is None else tuple(_whole_model(entry, findings))


def read_passthrough_slice(mapping: Mapping, findings: Findings) -> Slice | None:
    """Read a slice with exactly one source, as passthrough requires."""
    check_slice(mapping, findings)
    level = read_parameters(mapping, findings)
    listed = sources_of(mapping, findings)
    if listed is None:
        return None
    sources = listed.items()
    if len(sources) != 1:
        message = f"a passthrough slice has exactly one source, not {len(sources)}"
        findings.error("single-source", message, listed.place, "Use one slice per source.")
        return None
    source = as_mapping(sources[0], "a source", findings)
    return None if source is None else read_source(source, mapping, level, read_parameters, findings)


def check_slice(mapping: Mapping, findings: Findings) -> None:
    """Report unknown keys of a slice, and keys without effect."""
    check_keys(mapping, SLICE_KEYS, "a slice", findings)
    if mapping.given("residual_weight") is not None:
        message = "`residual_weight` has no effect: mergekit accepts and ignores it"
        findings.warning(
            "no-effect", message, mapping.place_of("residual_weight"), "Scale o_proj and down_proj instead."
        )
    if mapping.given("base_model") is not None:
        message = "a slice's `base_model` has no effect on a stack"
        fix = "Set base_model at the top of the plan: it gives config and tokenizer."
        findings.note("no-effect", message, mapping.place_of("base_model"), fix)


def sources_of(slice_: Mapping, findings: Findings) -> Sequence | None:
    node = slice_.get("sources")
    if node is None:
        findings.error("shape", "this slice has no `sources`", slice_.place)
        return None
    return as_sequence(node, "`sources`", findings)


def read_source(
    source: Mapping,
    slice_: Mapping,
    level: ScaleLevel,
    read_own_level: Callable[[Mapping, Findings], ScaleLevel],
    findings: Findings,
) -> Slice | None:
    """Read the slice of one source; `level` is the scale of the slice itself."""
    check_keys(source, SOURCE_KEYS, "a source", findings)
    own_level = read_own_level(source, findings)
    model, layer_range = source.get("model"), source.get("layer_range")
    for key, value in (("model", model), ("layer_range", layer_range)):
        if value is None:
            findings.error("shape", f"this source has no `{key}`", source.place)
    if model is None or layer_range is None:
        return None
    reference, bounds = read_model(model, findings), _read_range(layer_range, findings)
    if reference is None or bounds is None:
        return None
    levels = tuple([each for each in (own_level, level) if each])
    start, end = bounds
    return Slice(reference, start, end, levels, slice_, layer_range, model)


def _whole_model(entry: Mapping, findings: Findings) -> Iterator[Slice]:
    check_keys(entry, LISTED_MODEL_KEYS, "an entry of `models`", findings)
    level = read_parameters(entry, findings)
    model = entry.get("model")
    if model is None:
        findings.error("shape", "this entry has no `model`", entry.place)
        return
    reference = read_model(model, findings)
    if reference is not None:
        levels = (level,) if level else ()
        yield Slice(reference, 0, 0, levels, entry, Beside(model), model, is_whole=True)


def _read_range(node: Node, findings: Findings) -> tuple[int, int] | None:
    bounds = node.items() if isinstance(node, Sequence) else []
    if len(bounds) != 2:
        written = f"a list of {len(bounds)}" if isinstance(node, Sequence) else kind(node)
        message = f"`layer_range` must be [start, end], not {written}"
        findings.error(
            "layer-range",
            message,
            node.place,
            "Write [start, end] with an exclusive end: [0, 4] is layers 0, 1, 2 and 3.",
        )
        return None
    start, end = [as_whole_number(item, "a bound of `layer_range`", findings) for item in bounds]
    return None if start is None or end is None else (start, end)


# The form `modules`


MODULE_KEYS = ("slices", "models", "parameters")
_LANGUAGE = r"^default$|text|language|llm|(^|_)decoder$"
"""mergekit's names of the decoder module: `default`, `text_decoder`, `language_model`."""


def read_modules(node: Node, base_model: str | None, findings: Findings) -> tuple[Slice, ...]:
    """Read the slices of the language model; the other towers come from `base_model`, else from its first slice."""
    modules = as_mapping(node, "`modules`", findings)
    if modules is None:
        return ()
    name = _language_model(modules, findings)
    if name is None:
        return ()
    slices = _read_module(name, modules, findings)
    for other in sorted(modules.entries.keys() - {name}):
        carried = _read_module(other, modules, findings)
        if slices and carried:
            _check_carried(other, carried, base_model or slices[0].model, findings)
    return slices


def _language_model(modules: Mapping, findings: Findings) -> str | None:
    names = list(modules.entries)
    likely = names if len(names) == 1 else [name for name in names if re.search(_LANGUAGE, name)]
    if len(likely) == 1:
        return likely[0]
    listed = ", ".join(shown(name) for name in likely or names) or "no module"
    message = f"it is unclear which of {listed} is the language model"
    fix = "Use plain `slices`: they apply to the language model, and dlec copies the rest."
    findings.error("modules", message, modules.place, fix)
    return None


def _read_module(name: str, modules: Mapping, findings: Findings) -> tuple[Slice, ...]:
    node = modules.get(name)
    module = None if node is None else as_mapping(node, f"module `{shown(name)}`", findings)
    if module is None:
        return ()
    check_keys(module, MODULE_KEYS, "a module", findings)
    level = read_parameters(module, findings)
    slices, models = module.given("slices"), module.given("models")
    if slices is not None and models is None:
        read = read_slices(slices, findings)
    elif models is not None and slices is None:
        read = read_listed_models(models, findings)
    else:
        findings.error("shape", f"module `{shown(name)}` must have either `slices` or `models`", module.place)
        return ()
    return tuple([replace(slice_, levels=(*slice_.levels, level)) for slice_ in read]) if level else read


def _check_carried(name: str, slices: tuple[Slice, ...], donor: str, findings: Findings) -> None:
    """Report a module outside the language model that is not one complete, unscaled model."""
    first = slices[0]
    is_whole = len(slices) == 1 and first.start == 0 and not first.levels
    if is_whole and first.model == donor:
        return
    message = f"module `{shown(name)}` must be that of {shown(donor)}: dlec copies it completely and unscaled"
    fix = f"Use only {shown(donor)} there, or set base_model to the model that gives it."
    findings.error("modules", message, first.place, fix)
