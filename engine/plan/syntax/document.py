"""Reads a whole plan: the top-level keys."""

import difflib
from dataclasses import dataclass

from engine.errors import shown
from engine.plan.model import START, Plan
from engine.plan.problems import Problem, has_errors
from engine.plan.syntax.nodes import Mapping, Node, PlanSyntaxError, read_nodes
from engine.plan.syntax.reading import Findings, as_text, check_keys, kind
from engine.plan.syntax.scales import read_parameters
from engine.plan.syntax.slices import read_model, read_slices

DOCUMENT_KEYS = (
    "merge_method",
    "slices",
    "base_model",
    "dtype",
    "out_dtype",
    "parameters",
    "models",
    "modules",
    "tokenizer_source",
    "tokenizer",
    "chat_template",
    "name",
)

DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
"""mergekit's names, with or without `torch.`, to safetensors' names."""

NOT_YET = ("models", "modules", "tokenizer_source", "tokenizer", "chat_template")
"""Keys that mergekit honours and dlec does not: refused, never ignored."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says."""

    plan: Plan | None
    """None when the problems contain an error."""
    problems: tuple[Problem, ...]


def parse(text: str) -> Parsed:
    """Read mergekit's YAML for `merge_method: passthrough`. Never raises: what is wrong is among the problems."""
    found = Findings()
    try:
        root = read_nodes(text)
    except PlanSyntaxError as problem:
        found.error("syntax", problem.message, problem.place, problem.fix)
        return Parsed(None, tuple(found))
    plan = _read_document(root, found)
    return Parsed(None if has_errors(found) else plan, tuple(found))


def _read_document(root: Node | None, found: Findings) -> Plan | None:
    if root is None:
        fix = "Start with `dlec plan new repeat MODEL`."
        found.error("shape", "the plan is empty", START, fix)
        return None
    if not isinstance(root, Mapping):
        found.error("shape", f"a plan is a mapping with `merge_method` and `slices`, not {kind(root)}", root.place)
        return None
    check_keys(root, DOCUMENT_KEYS, "a plan", found)
    _check_method(root, found)
    _refuse_unsupported(root, found)
    return _read_plan(root, found)


def _read_plan(root: Mapping, found: Findings) -> Plan | None:
    slices = root.get("slices")
    if slices is None:
        found.error("shape", "the plan has no `slices`", root.place)
        return None
    base = root.get("base_model")
    plan = Plan(
        slices=read_slices(slices, found),
        base_model=None if base is None else read_model(base, found),
        base_model_place=START if base is None else base.place,
        dtype=_read_dtype(root, "dtype", found),
        out_dtype=_read_dtype(root, "out_dtype", found),
        scale=read_parameters(root, found),
    )
    return plan if plan.slices else None


def _check_method(root: Mapping, found: Findings) -> None:
    node = root.get("merge_method")
    if node is None:
        found.error("merge-method", "the plan has no `merge_method`", root.place, "Add `merge_method: passthrough`.")
        return
    method = as_text(node, "`merge_method`", found)
    if method is None or method == "passthrough":
        return
    if difflib.get_close_matches(method, ["passthrough"], cutoff=0.6):
        found.error("merge-method", f"there is no method `{shown(method)}`", node.place, "Did you mean `passthrough`?")
    else:
        message = f"`{shown(method)}` mixes weights; dlec stacks layers, which is `passthrough`"
        found.error("merge-method", message, node.place)


def _refuse_unsupported(root: Mapping, found: Findings) -> None:
    for key in NOT_YET:
        node = root.get(key)
        if node is not None:
            found.error("unsupported-key", f"`{key}` is not supported yet", root.place_of(key), _way_out(key))


def _way_out(key: str) -> str:
    if key == "models":
        return "Write the models as `slices` with `layer_range`."
    if key == "modules":
        return "Write `slices`: they apply to the language model, the other modules are carried along."
    return "Leave it out: tokenizer and chat template are copied from base_model, else from the first slice's model."


def _read_dtype(root: Mapping, key: str, found: Findings) -> str | None:
    node = root.get(key)
    if node is None or getattr(node, "value", ...) is None:
        return None
    name = as_text(node, f"`{key}`", found)
    dtype = DTYPES.get((name or "").removeprefix("torch."))
    if name is not None and dtype is None:
        found.error("dtype", f"`{shown(name)}` is not a dtype", node.place, f"Use one of {', '.join(DTYPES)}.")
    return dtype
