"""Read one YAML document as a plan: the top-level keys, with tokenizer and chat template."""

import difflib

from engine.errors import shown
from engine.plan.model import START, Plan, Position, ScaleLevel, Slice, TokenizerWish
from engine.plan.problems import replaced
from engine.plan.syntax.nodes import Mapping, Node
from engine.plan.syntax.slices import read_listed_models, read_modules, read_slices
from engine.plan.syntax.values import (
    Findings,
    as_mapping,
    as_text,
    as_whole_number,
    check_keys,
    read_model,
    read_parameters,
)

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
"""mergekit's dtype names, with or without `torch.`, to safetensors' names."""

PASSTHROUGH = "passthrough"

FORMS = ("slices", "models", "modules")
"""Keys that list what is stacked."""


def read_passthrough(root: Mapping, findings: Findings) -> Plan | None:
    """Read a document whose method is passthrough or missing."""
    check_keys(root, DOCUMENT_KEYS, "a plan", findings)
    _check_method(root, findings)
    return read_plan(root, _read_slices(root, findings), read_parameters(root, findings), findings)


def read_plan(root: Mapping, slices: tuple[Slice, ...], scale: ScaleLevel, findings: Findings) -> Plan | None:
    """Read the other keys of a document and add its slices and its global scale; None without slices."""
    base = root.given("base_model")
    plan = Plan(
        slices=slices,
        base_model=_read_base_model(root, findings),
        base_model_place=START if base is None else base.place,
        dtype=_read_dtype(root, "dtype", findings),
        out_dtype=_read_dtype(root, "out_dtype", findings),
        scale=scale,
        tokenizer=read_tokenizer(root, findings),
        slices_place=next((root.place_of(form) for form in FORMS if form in root.entries), root.place),
        name=read_name(root, findings),
    )
    return plan if plan.slices else None


def read_name(root: Mapping, findings: Findings) -> str | None:
    node = root.given("name")
    return None if node is None else as_text(node, "`name`", findings)


def is_like_passthrough(method: str) -> bool:
    """Return True for `passthrough` and misspellings of it."""
    return bool(difflib.get_close_matches(method.lower(), [PASSTHROUGH], cutoff=0.6))


def _check_method(root: Mapping, findings: Findings) -> None:
    node = root.given("merge_method")
    if node is None:
        fix = f"Add `merge_method: {PASSTHROUGH}`."
        findings.error("merge-method", "the plan has no `merge_method`", root.place, fix)
        return
    method = as_text(node, "`merge_method`", findings)
    if method is not None and method != PASSTHROUGH:
        change = replaced(node.span, PASSTHROUGH, is_safe=True)
        message = f"unknown method `{shown(method)}`"
        findings.error("merge-method", message, node.place, f"Did you mean `{PASSTHROUGH}`?", change)


def _read_slices(root: Mapping, findings: Findings) -> tuple[Slice, ...]:
    forms = [form for form in FORMS if root.given(form) is not None]
    if not forms:
        findings.error("shape", "the plan has no `slices`", root.place)
        return ()
    if len(forms) > 1:
        both = " and ".join(f"`{form}`" for form in forms)
        findings.error("shape", f"the plan has {both}", root.place_of(forms[1]), "Keep exactly one of them.")
        return ()
    node = root.given(forms[0])
    return () if node is None else _read_form(forms[0], node, root, findings)


def _read_form(form: str, node: Node, root: Mapping, findings: Findings) -> tuple[Slice, ...]:
    if form == "slices":
        return read_slices(node, findings)
    if form == "modules":
        return read_modules(node, _read_base_model(root, Findings()), findings)
    if root.given("base_model") is not None:
        message = "mergekit treats this base_model as a second model to stack and rejects the plan"
        fix = "Use `slices` with a layer_range instead of `models`."
        findings.warning("models-form", message, root.place_of("base_model"), fix)
    return read_listed_models(node, findings)


def _read_base_model(root: Mapping, findings: Findings) -> str | None:
    node = root.given("base_model")
    return None if node is None else read_model(node, findings, "`base_model`")


def _read_dtype(root: Mapping, key: str, findings: Findings) -> str | None:
    node = root.given(key)
    if node is None:
        return None
    name = as_text(node, f"`{key}`", findings)
    dtype = DTYPES.get((name or "").removeprefix("torch."))
    if name is not None and dtype is None:
        nearest = difflib.get_close_matches(name.removeprefix("torch."), DTYPES, n=1, cutoff=0.75)
        change = replaced(node.span, nearest[0], is_safe=True) if nearest else None
        fix = f"Did you mean `{nearest[0]}`?" if nearest else f"Use one of {', '.join(DTYPES)}."
        findings.error("dtype", f"`{shown(name)}` is not a supported dtype", node.place, fix, change)
    return dtype


# Tokenizer and chat template


TOKENIZER_KEYS = ("source", "tokens", "pad_to_multiple_of")
LEAVE_OUT = "Remove it: tokenizer and chat template are copied from base_model, else from the first slice's model."
_OLD_PREFIX = "model:"
"""Prefix of mergekit in 2023: `tokenizer_source: model:org/name`."""


def read_tokenizer(root: Mapping, findings: Findings) -> TokenizerWish | None:
    """Read `tokenizer_source` or `tokenizer`; None without both."""
    _check_chat_template(root, findings)
    source, tokenizer = root.given("tokenizer_source"), root.given("tokenizer")
    if source is not None and tokenizer is not None:
        message = "the plan has both `tokenizer_source` and `tokenizer`"
        findings.error("tokenizer", message, root.place_of("tokenizer"), "Keep one of them.")
        return None
    if source is not None:
        return TokenizerWish(_read_source(source, findings), source.place)
    return None if tokenizer is None else _read_mapping(tokenizer, findings)


def _read_mapping(node: Node, findings: Findings) -> TokenizerWish | None:
    mapping = as_mapping(node, "`tokenizer`", findings)
    if mapping is None:
        return None
    check_keys(mapping, TOKENIZER_KEYS, "a tokenizer", findings)
    tokens = mapping.get("tokens")
    if isinstance(tokens, Mapping) and tokens.entries:
        message = "a stack cannot set embeddings of single tokens: rows are copied unchanged"
        findings.error("tokenizer", message, mapping.place_of("tokens"), "Remove `tokens`.")
    source = mapping.given("source")
    pad, pad_place = _read_padding(mapping, findings)
    if source is None:
        return TokenizerWish("union", mapping.place, pad, pad_place)
    return TokenizerWish(_read_source(source, findings), source.place, pad, pad_place)


def _read_source(node: Node, findings: Findings) -> str:
    reference = read_model(node, findings, "the tokenizer's source")
    return (reference or "base").removeprefix(_OLD_PREFIX)


def _read_padding(mapping: Mapping, findings: Findings) -> tuple[int | None, Position]:
    node = mapping.given("pad_to_multiple_of")
    if node is None:
        return None, START
    number = as_whole_number(node, "`pad_to_multiple_of`", findings)
    if number is not None and number < 1:
        findings.error("tokenizer", "`pad_to_multiple_of` must be 1 or more", node.place)
    return number, node.place


def _check_chat_template(root: Mapping, findings: Findings) -> None:
    node = root.given("chat_template")
    if node is None:
        return
    text = as_text(node, "`chat_template`", findings)
    if text == "auto":
        message = "the chat template is copied from base_model, else from the first slice's model"
        findings.note("chat-template", message, node.place)
    elif text is not None:
        message = "dlec does not write chat templates: it copies the tokenizer's files unchanged"
        findings.error("chat-template", message, node.place, LEAVE_OUT)
