"""Special tokens around texts are detected, whatever mechanism adds them."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from engine.inference.tokenizer import Marks, marks_of, text_tokens
from tests.inference.marked import MARKS, TOKENIZERS


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_marks_are_what_the_tokenizer_adds_to_a_text(kind: str, tiny_llama: Path) -> None:
    tokenizer = TOKENIZERS[kind](tiny_llama)
    result = marks_of(tokenizer)
    assert (
        tuple(map(tuple, map(tokenizer.convert_ids_to_tokens, (list(result.prefix), list(result.suffix)))))
        == MARKS[kind]
    )
    assert tokenizer("Any text.")["input_ids"] == [
        *result.prefix, *text_tokens(tokenizer, result, "Any text."), *result.suffix
    ]  # fmt: skip


@pytest.mark.parametrize(("adds", "prefix"), [(True, ("<s>",)), (False, ())])
def test_add_bos_token_is_respected(adds: bool, prefix: tuple[str, ...], tmp_path: Path) -> None:
    tokenizer = llama_tokenizer(tmp_path)
    tokenizer.add_bos_token = adds
    assert tuple(tokenizer.convert_ids_to_tokens(list(marks_of(tokenizer).prefix))) == prefix


def test_add_eos_token_does_not_add_a_prefix(tmp_path: Path) -> None:
    tokenizer = llama_tokenizer(tmp_path)
    tokenizer.add_bos_token = tokenizer.add_eos_token = True
    assert marks_of(tokenizer) == Marks((tokenizer.bos_token_id,), (tokenizer.eos_token_id,))


def test_marks_in_the_text_are_not_doubled(tiny_llama: Path) -> None:
    tokenizer = TOKENIZERS["begin"](tiny_llama)
    assert (
        text_tokens(tokenizer, marks_of(tokenizer), "<s>Hi") == tokenizer("Hi", add_special_tokens=False)["input_ids"]
    )


def test_a_common_beginning_of_texts_is_not_a_prefix(tmp_path: Path) -> None:
    """SentencePiece puts a space before every text: it is a part of the text."""
    tokenizer = llama_tokenizer(tmp_path)
    assert tokenizer("one")["input_ids"][0] == tokenizer("7")["input_ids"][0]
    assert marks_of(tokenizer) == Marks((), ())


def test_marks_are_detected_in_a_tokenizer_that_ignores_add_special_tokens(tiny_llama: Path) -> None:
    inner = TOKENIZERS["begin"](tiny_llama)

    class Stubborn:
        all_special_ids = inner.all_special_ids

        def __call__(self, text: str, **_options: bool) -> dict[str, list[int]]:
            return {"input_ids": inner(text)["input_ids"]}

    assert marks_of(Stubborn()) == Marks((inner.bos_token_id,), ())
    assert text_tokens(Stubborn(), marks_of(Stubborn()), "Hi") == inner("Hi", add_special_tokens=False)["input_ids"]


def llama_tokenizer(directory: Path) -> Any:
    """Llama's own class, whose pre-tokenizer puts a space before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = ["<unk>", "<s>", "</s>", "\u2581", *map(chr, range(33, 127)), "\u00c9", "\u00e9"]
    tokenizer = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.save(str(directory / "tokenizer.json"))
    given = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (directory / "tokenizer_config.json").write_text(json.dumps(given))
    return AutoTokenizer.from_pretrained(directory)
