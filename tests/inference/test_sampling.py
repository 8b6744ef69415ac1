"""Where sequences come from, and how each begins."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from engine.errors import CheckpointError, UsageError
from engine.inference.load_model import open_tokenizer
from engine.inference.sampling import Sample, sample_sequences, spread
from engine.inference.sequences import require_fit
from engine.inference.tokenizer import marks_of
from engine.text.corpus import Document
from tests.architectures import SIZES
from tests.inference.marked import TOKENIZERS


def document(number: int, length: int) -> Document:
    """Its text says which it is, all over."""
    return Document(f"document {number}", (f"[{number}] " * length)[:length])


def decoded(tokenizer: Any, sample: Sample) -> list[str]:
    return [tokenizer.decode(row, clean_up_tokenization_spaces=False) for row in sample.sequences.tokens.tolist()]


@pytest.fixture
def tokenizer(tiny_llama: Path) -> Any:
    """One token for each byte; no marks at all."""
    return open_tokenizer(tiny_llama)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_every_sequence_begins_as_the_tokenizer_begins_a_text(kind: str, tiny_llama: Path) -> None:
    tokenizer = TOKENIZERS[kind](tiny_llama)
    prefix = list(marks_of(tokenizer).prefix)
    documents = [document(number, 30 + 17 * number) for number in range(12)]
    result = sample_sequences(tokenizer, documents, 16, 10_000).sequences
    assert result.tokens.shape == result.is_text.shape
    for row, is_text in zip(result.tokens.tolist(), result.is_text.tolist(), strict=True):
        assert row[: len(prefix)] == prefix
        special = set(tokenizer.all_special_ids)
        assert [token not in special for token in row] == is_text


def test_a_sequence_is_part_of_one_document_while_the_document_suffices(tokenizer: Any) -> None:
    documents = [document(number, 100) for number in range(20)]
    result = sample_sequences(tokenizer, documents, 25, 20 * 25)
    assert decoded(tokenizer, result) == [documents[number].text[:25] for number in spread(20)]
    assert len(result.documents) == result.documents_in_text == 20


def test_documents_give_their_beginnings_first_and_then_what_follows(tiny_llama: Path) -> None:
    tokenizer = TOKENIZERS["begin"](tiny_llama)
    documents = [document(number, 100) for number in range(4)]
    result = decoded(tokenizer, sample_sequences(tokenizer, documents, 21, 16 * 21))
    assert result == ["<s>" + documents[n].text[start : start + 20] for start in (0, 20, 40, 60) for n in spread(4)]


def test_a_sample_is_spread_evenly_over_the_documents(tokenizer: Any) -> None:
    documents = [document(number, 40) for number in range(1000)]
    result = sample_sequences(tokenizer, documents, 32, 16 * 32)
    places = sorted(documents.index(each) for each in result.documents)
    gaps = [after - before for before, after in zip([0, *places], [*places, 1000], strict=True)]
    assert len(places) == 16
    assert max(gaps) <= 128
    assert result.documents_in_text == 1000


def test_a_larger_sample_begins_with_the_smaller_one(tokenizer: Any) -> None:
    documents = [document(number, 50 + number) for number in range(30)]
    small, large = (sample_sequences(tokenizer, documents, 24, count * 24).sequences for count in (16, 60))
    assert large.tokens[:16].equal(small.tokens)


@pytest.mark.parametrize("number", [1, 2, 3, 8, 13, 64, 1000])
def test_the_spread_order_has_every_document_once(number: int) -> None:
    assert sorted(spread(number)) == list(range(number))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("no marks, no special tokens", "[0] [0] [1] [1] [2] "),
        ("no marks", "[0] [0] </s>[1] [1] </s>[2] "),
        ("begin", "<s>[0] [0] <s>[1] [1] <s>[2] "),
        ("end", "[0] [0] </s>[1] [1] </s>[2] "),
        ("begin and end", "[CLS][0] [0] [SEP][CLS][1] [1] [SEP][CLS][2] "),
        ("two before", "[gMASK]<sop>[0] [0] [gMASK]<sop>[1] [1] [gMASK]<sop>[2] "),
    ],
)
def test_short_documents_are_joined_between_the_tokenizers_marks(kind: str, expected: str, tiny_llama: Path) -> None:
    tokenizer = TOKENIZERS[kind](tiny_llama)
    seq_len = len(tokenizer(expected, add_special_tokens=False)["input_ids"])
    numbers = [spread(300).index(number) for number in range(300)]
    documents = [Document("short", f"[{number % 10}] [{number % 10}] ") for number in numbers]
    assert decoded(tokenizer, sample_sequences(tokenizer, documents, seq_len, 16 * seq_len))[0] == expected


def test_no_text_is_measured_twice(tokenizer: Any) -> None:
    documents = [document(number, 10 + 7 * number) for number in range(10, 40)]
    result = "".join(decoded(tokenizer, sample_sequences(tokenizer, documents, 16, 10**6)))
    assert (
        sum(map(len, (each.text for each in documents))) - 16 < len(result) <= sum(len(each.text) for each in documents)
    )


def test_only_documents_that_are_needed_become_tokens(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(
        "engine.inference.sampling.text_tokens",
        lambda _tokenizer, _marks, text: read.append(text) or tokenizer(text, add_special_tokens=False)["input_ids"],
    )
    sample_sequences(tokenizer, [document(number, 40) for number in range(1000)], 32, 16 * 32)
    assert len(read) <= 1000
    assert len(set(read)) == len(read)


def test_chat_turns_go_through_the_chat_template(tiny_llama: Path) -> None:
    tokenizer = TOKENIZERS["begin"](tiny_llama)
    tokenizer.chat_template = "<s>{% for turn in messages %}[{{ turn.role }}] {{ turn.content }}</s>{% endfor %}"
    chat = Document("a chat", "", ({"role": "user", "content": "Hello! " * 60},))
    result = sample_sequences(tokenizer, [chat], 16, 400)
    assert decoded(tokenizer, result)[0] == "<s>[user] Hello! H"
    assert (~result.sequences.is_text).sum(1).tolist() == [1] * len(result.sequences)


def test_chat_turns_without_a_template_are_refused(tokenizer: Any) -> None:
    with pytest.raises(CheckpointError, match="chat turns of a chat"):
        sample_sequences(tokenizer, [Document("a chat", "", ({"role": "user", "content": "Hi"},))], 16, 400)


def test_fewer_than_16_sequences_are_refused_with_the_figures(tokenizer: Any) -> None:
    documents = [document(0, 200), document(1, 200)]
    with pytest.raises(UsageError, match="it makes 12 sequences of 32 tokens; at least 16 are needed"):
        sample_sequences(tokenizer, documents, 32, 10_000)
    with pytest.raises(UsageError, match=r"255 tokens make 15 sequences[^\n]*\nUse --tokens 256"):
        sample_sequences(tokenizer, documents, 16, 255)
    assert len(sample_sequences(tokenizer, documents, 16, 256).sequences) == 16


@pytest.mark.parametrize(("kind", "seq_len"), [("no marks", 1), ("no marks", 0), ("begin", 1), ("two before", 2)])
def test_sequences_that_predict_nothing_are_refused(kind: str, seq_len: int, tiny_llama: Path) -> None:
    with pytest.raises(UsageError, match="predict nothing"):
        sample_sequences(TOKENIZERS[kind](tiny_llama), [document(0, 900)], seq_len, 400)


def test_sequences_that_the_model_cannot_take_are_refused(tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SIZES))
    with pytest.raises(UsageError, match=r"they have 80 tokens, the model was made for 64"):
        require_fit(model, sample_sequences(tokenizer, [Document("long", "x" * 2000)], 80, 2000).sequences.tokens)
    foreign = [Document("foreign", "\u4f60" * 200)]
    with pytest.raises(CheckpointError, match="does not belong to the model"):
        require_fit(model, sample_sequences(tokenizer, foreign, 16, 400).sequences.tokens)
