from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from engine.errors import CheckpointError, UsageError
from engine.inference.opened import open_tokenizer
from engine.inference.sequences import require_fit, token_sequences
from engine.text.corpus import Document
from tests.architectures import SIZES

TEXTS = ["The first document.", "A second one, a little longer. " * 8, "And a third. " * 20]
DOCUMENTS = [Document(f"document {number}", text) for number, text in enumerate(TEXTS)]


@pytest.fixture
def tokenizer(tiny_llama: Path) -> Any:
    """One token for each byte; no marks at all."""
    return open_tokenizer(tiny_llama)


def encoded(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def marked(tokenizer: Any) -> Any:
    """With `<s>` before each text, as Llama's tokenizers do."""
    from tokenizers.processors import TemplateProcessing

    tokenizer.add_special_tokens({"bos_token": "<s>", "eos_token": "</s>"})
    template = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)])
    tokenizer.backend_tokenizer.post_processor = template
    return tokenizer


def test_sequences_are_the_documents_end_to_end(tokenizer: Any) -> None:
    found = token_sequences(tokenizer, DOCUMENTS, 16, 400)
    assert found.shape == (25, 16)
    assert found.flatten().tolist() == encoded(tokenizer, "".join(TEXTS))[:400]


def test_the_end_of_text_token_follows_a_document_where_the_tokenizer_marks_nothing(tokenizer: Any) -> None:
    tokenizer.add_special_tokens({"eos_token": "</s>"})
    wanted = [token for text in TEXTS for token in [*encoded(tokenizer, text), tokenizer.eos_token_id]]
    assert token_sequences(tokenizer, DOCUMENTS, 16, 400).flatten().tolist() == wanted[:400]


def test_the_tokenizers_own_marks_are_kept_and_no_others_added(tokenizer: Any) -> None:
    tokenizer = marked(tokenizer)
    wanted = [token for text in TEXTS for token in [tokenizer.bos_token_id, *encoded(tokenizer, text)]]
    assert token_sequences(tokenizer, DOCUMENTS, 16, 400).flatten().tolist() == wanted[:400]


def test_chat_turns_go_through_the_chat_template(tokenizer: Any) -> None:
    tokenizer = marked(tokenizer)
    tokenizer.chat_template = "<s>{% for turn in messages %}[{{ turn.role }}] {{ turn.content }}</s>{% endfor %}"
    chat = Document("a chat", "", ({"role": "user", "content": "Hello! " * 60},))
    wanted = encoded(tokenizer, "<s>[user] " + "Hello! " * 60 + "</s>")
    assert token_sequences(tokenizer, [chat], 16, 400).flatten().tolist() == wanted[:400]
    assert wanted.count(tokenizer.bos_token_id) == 1


def test_chat_turns_without_a_template_are_refused(tokenizer: Any) -> None:
    with pytest.raises(CheckpointError, match="chat turns of a chat"):
        token_sequences(tokenizer, [Document("a chat", "", ({"role": "user", "content": "Hi"},))], 16, 400)


def test_fewer_than_16_sequences_are_refused_with_the_figures(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="its 19 tokens make 1 sequences of 16; at least 16 are needed"):
        token_sequences(tokenizer, DOCUMENTS[:1], 16, 400)
    with pytest.raises(UsageError, match=r"255 tokens make 15 sequences[^\n]*\nUse --tokens 256"):
        token_sequences(tokenizer, DOCUMENTS, 16, 255)
    assert len(token_sequences(tokenizer, DOCUMENTS, 16, 256)) == 16


@pytest.mark.parametrize("seq_len", [1, 0, -4])
def test_sequences_that_predict_nothing_are_refused(seq_len: int, tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="predict nothing"):
        token_sequences(tokenizer, DOCUMENTS, seq_len, 400)


def test_sequences_that_the_model_cannot_take_are_refused(tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SIZES))
    with pytest.raises(UsageError, match=r"they have 80 tokens, the model was made for 64"):
        require_fit(model, token_sequences(tokenizer, [Document("long", "x" * 2000)], 80, 2000))
    with pytest.raises(CheckpointError, match="does not belong to the model"):
        require_fit(model, token_sequences(tokenizer, [Document("foreign", "\u4f60" * 200)], 16, 400))
