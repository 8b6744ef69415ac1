"""Tokenizers that begin and end texts in several ways, over one token for each byte."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.inference.load_model import open_tokenizer

BEGIN, END = "<s>", "</s>"


def tokenizer_with(tiny_llama: Path, template: str = "", **special: str) -> Any:
    """template: as of a post-processor, such as "<s> $A"; special: special tokens, such as bos_token="<s>"."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = open_tokenizer(tiny_llama)
    if special:
        tokenizer.add_special_tokens(special)
    if template:
        marks = [word for word in template.split() if word != "$A"]
        tokenizer.add_special_tokens(
            {"additional_special_tokens": [each for each in marks if each not in special.values()]}
        )
        pairs = [(mark, tokenizer.convert_tokens_to_ids(mark)) for mark in dict.fromkeys(marks)]
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=pairs)
    return tokenizer


TOKENIZERS: Mapping[str, Callable[[Path], Any]] = {
    "no marks, no special tokens": tokenizer_with,
    "no marks": lambda tiny: tokenizer_with(tiny, bos_token=BEGIN, eos_token=END),
    "begin": lambda tiny: tokenizer_with(tiny, "<s> $A", bos_token=BEGIN, eos_token=END),
    "end": lambda tiny: tokenizer_with(tiny, "$A </s>", bos_token=BEGIN, eos_token=END),
    "begin and end": lambda tiny: tokenizer_with(tiny, "[CLS] $A [SEP]", cls_token="[CLS]", sep_token="[SEP]"),
    "two before": lambda tiny: tokenizer_with(tiny, "[gMASK] <sop> $A", eos_token=END),
}
MARKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "no marks, no special tokens": ((), ()),
    "no marks": ((), ()),
    "begin": (("<s>",), ()),
    "end": ((), ("</s>",)),
    "begin and end": (("[CLS]",), ("[SEP]",)),
    "two before": (("[gMASK]", "<sop>"), ()),
}
"""What each of them puts before and after a text."""
