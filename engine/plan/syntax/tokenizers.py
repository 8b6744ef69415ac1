"""Reads what a plan asks of the tokenizer. What is never possible for a stack is refused here; the rest is compared
with the checkpoints' tokenizers in engine.plan.tokenizer."""

from engine.plan.model import START, Position, TokenizerWish
from engine.plan.syntax.models import read_model
from engine.plan.syntax.nodes import Mapping, Node
from engine.plan.syntax.reading import Findings, as_mapping, as_text, as_whole_number, check_keys

TOKENIZER_KEYS = ("source", "tokens", "pad_to_multiple_of")
LEAVE_OUT = "Leave it out: tokenizer and chat template are copied from base_model, else from the first slice's model."
_OLD_PREFIX = "model:"
"""mergekit of 2023 wanted `tokenizer_source: model:org/name`."""


def read_tokenizer(root: Mapping, found: Findings) -> TokenizerWish | None:
    """What the plan says under `tokenizer_source` or `tokenizer`; None when it says nothing."""
    _check_chat_template(root, found)
    source, tokenizer = root.given("tokenizer_source"), root.given("tokenizer")
    if source is not None and tokenizer is not None:
        message = "the plan has both `tokenizer_source` and `tokenizer`"
        found.error("tokenizer", message, root.place_of("tokenizer"), "Keep one of them.")
        return None
    if source is not None:
        return TokenizerWish(_read_source(source, found), source.place)
    return None if tokenizer is None else _read_mapping(tokenizer, found)


def _read_mapping(node: Node, found: Findings) -> TokenizerWish | None:
    mapping = as_mapping(node, "`tokenizer`", found)
    if mapping is None:
        return None
    check_keys(mapping, TOKENIZER_KEYS, "a tokenizer", found)
    tokens = mapping.get("tokens")
    if isinstance(tokens, Mapping) and tokens.entries:
        message = "embeddings of single tokens cannot be chosen in a stack: rows are taken over as they are"
        found.error("tokenizer", message, mapping.place_of("tokens"), "Leave `tokens` out.")
    source = mapping.given("source")
    pad, pad_place = _read_padding(mapping, found)
    if source is None:
        return TokenizerWish("union", mapping.place, pad, pad_place)
    return TokenizerWish(_read_source(source, found), source.place, pad, pad_place)


def _read_source(node: Node, found: Findings) -> str:
    reference = read_model(node, found, "the tokenizer's source")
    return (reference or "base").removeprefix(_OLD_PREFIX)


def _read_padding(mapping: Mapping, found: Findings) -> tuple[int | None, Position]:
    node = mapping.given("pad_to_multiple_of")
    if node is None:
        return None, START
    number = as_whole_number(node, "`pad_to_multiple_of`", found)
    if number is not None and number < 1:
        found.error("tokenizer", "`pad_to_multiple_of` must be 1 or more", node.place)
    return number, node.place


def _check_chat_template(root: Mapping, found: Findings) -> None:
    node = root.given("chat_template")
    if node is None:
        return
    text = as_text(node, "`chat_template`", found)
    if text == "auto":
        message = "the chat template is that of base_model, else of the first slice's model"
        found.note("chat-template", message, node.place)
    elif text is not None:
        message = "dlec writes no chat template: it copies the tokenizer's files as they are"
        found.error("chat-template", message, node.place, LEAVE_OUT)
