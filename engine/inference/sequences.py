"""Turns documents into sequences of tokens of one length, packed end to end.

S sequences, T tokens in each.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError, UsageError
from engine.inference.failures import one_line, translated
from engine.numbers.intervals import MIN_SEQUENCES
from engine.tensors.library import torch_library
from engine.text.corpus import Document

if TYPE_CHECKING:
    import torch


def token_sequences(tokenizer: Any, documents: Sequence[Document], seq_len: int, tokens: int) -> "torch.LongTensor":
    """[S, T] with T = `seq_len` and S * T at most `tokens`: the beginning of `documents`, cut into pieces.

    A document's chat turns go through the tokenizer's chat template. Documents are told apart as the tokenizer does
    it, with the marks that it puts at a text's beginning or end; where it puts none, its end-of-text token follows each
    document. Raises UsageError when that gives fewer than 16 sequences, CheckpointError for turns that the tokenizer
    has no template for.
    """
    _require_budget(seq_len, tokens)
    wanted = tokens // seq_len * seq_len
    found = list(islice(chain.from_iterable(_encoded(tokenizer, document) for document in documents), wanted))
    count = len(found) // seq_len
    if count < MIN_SEQUENCES:
        raise UsageError(
            "the text is too short",
            why=f"its {len(found):,} tokens make {count} sequences of {seq_len}; at least {MIN_SEQUENCES} are needed",
            fix="Give more text, or shorter sequences (--seq-len).",
        )
    sequences: torch.LongTensor = torch_library().tensor(found[: count * seq_len]).view(count, seq_len)
    return sequences


def require_fit(model: Any, sequences: "torch.Tensor") -> None:
    """Raises UsageError when `sequences` [S, T] are longer than the model's context, CheckpointError when they hold
    tokens that it has no embedding for."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(context, int) and 0 < context < sequences.shape[1]:
        why = f"they have {sequences.shape[1]:,} tokens, the model was made for {context:,}"
        raise UsageError("the sequences are too long", why=why, fix=f"Use --seq-len {context} or less.")
    largest, vocabulary = int(sequences.max()), model.get_input_embeddings().weight.shape[0]
    if largest >= vocabulary:
        raise CheckpointError(
            "the tokenizer does not belong to the model",
            why=f"it gives token {largest:,}; the model has embeddings for {vocabulary:,}",
        )


def _require_budget(seq_len: int, tokens: int) -> None:
    if seq_len < 2:
        raise UsageError(f"sequences of {seq_len} tokens predict nothing", fix="Use --seq-len 2 or more.")
    if tokens < MIN_SEQUENCES * seq_len:
        raise UsageError(
            "too few tokens were asked for",
            why=f"{tokens:,} tokens make {max(tokens, 0) // seq_len} sequences of {seq_len}; "
            f"at least {MIN_SEQUENCES} are needed",
            fix=f"Use --tokens {MIN_SEQUENCES * seq_len} or more, or shorter sequences (--seq-len).",
        )


def _encoded(tokenizer: Any, document: Document) -> Iterator[int]:
    if document.messages:
        yield from tokenizer(_templated(tokenizer, document), add_special_tokens=False)["input_ids"]
        return
    yield from tokenizer(document.text)["input_ids"]
    if tokenizer.num_special_tokens_to_add() == 0 and tokenizer.eos_token_id is not None:
        yield tokenizer.eos_token_id


def _templated(tokenizer: Any, document: Document) -> str:
    def explained(error: Exception) -> CheckpointError:
        return CheckpointError(
            f"the tokenizer cannot write the chat turns of {document.title}",
            why=one_line(error),
            fix="Use a checkpoint with a chat template that takes them, or plain text.",
        )

    with translated(explained):
        text: str = tokenizer.apply_chat_template(list(document.messages), tokenize=False)
    return text
