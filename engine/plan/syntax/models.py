"""Reads references to models: a path or a hub id, with a revision, or mergekit's mapping of the same."""

from engine.errors import shown
from engine.plan.problems import Change, insertion
from engine.plan.syntax.nodes import Mapping, Node, Scalar
from engine.plan.syntax.reading import Findings, as_mapping, as_text, check_keys

MODEL_KEYS = ("model", "lora", "override_architecture")
PATH_KEYS = ("path", "revision")


def read_model(node: Node, found: Findings, what: str = "`model`") -> str | None:
    """A model reference: text, or mergekit's mapping form. None when it is none; what is wrong is among the
    findings."""
    if isinstance(node, Scalar):
        reference = as_text(node, what, found)
        if reference and "+" in reference.rpartition("/")[2]:
            _refuse_lora(node, found)
            return None
        return reference
    mapping = as_mapping(node, what, found)
    if mapping is None:
        return None
    if "path" in mapping.entries and "model" not in mapping.entries:
        message = "mergekit wants `{model: {path: ...}}` here, and refuses the plan"
        found.warning("model-form", message, mapping.place, "Put `model:` around it.", _as_inner(mapping))
        return _read_path(mapping, found)
    return _read_mapping(mapping, what, found)


def _read_mapping(mapping: Mapping, what: str, found: Findings) -> str | None:
    check_keys(mapping, MODEL_KEYS, "a model", found)
    lora, override, inner = (mapping.given(key) for key in ("lora", "override_architecture", "model"))
    if lora is not None:
        _refuse_lora(lora, found)
        return None
    if override is not None:
        message = "`override_architecture` has no effect: dlec tells layers by their tensors' names"
        found.note("no-effect", message, mapping.place_of("override_architecture"))
    if inner is None:
        found.error("shape", f"{what} has no `model`", mapping.place)
        return None
    return _read_path(inner, found) if isinstance(inner, Mapping) else as_text(inner, what, found)


def _read_path(mapping: Mapping, found: Findings) -> str | None:
    check_keys(mapping, PATH_KEYS, "a model", found)
    path, revision = mapping.get("path"), mapping.given("revision")
    if path is None:
        found.error("shape", "this model has no `path`", mapping.place)
        return None
    text = as_text(path, "`path`", found)
    if text is None or revision is None:
        return text
    wanted = as_text(revision, "`revision`", found)
    return wanted and f"{text}@{shown(wanted)}"


def _as_inner(mapping: Mapping) -> Change | None:
    """Makes it the value of `model`, where that is a matter of brackets."""
    span = mapping.span
    if span is None:
        return None
    return Change((insertion(span.start, "{model: "), insertion(span.end, "}")), is_safe=True)


def _refuse_lora(node: Node, found: Findings) -> None:
    found.error(
        "lora", "adapters cannot be stacked as they are", node.place, "Merge the LoRA into its base first (peft)."
    )
