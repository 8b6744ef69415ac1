"""What is said of the sequences that something was measured on."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

from engine.checkpoint.attention import attention_window
from engine.checkpoint.checkpoint import Checkpoint
from engine.store.database import open_for_writing
from engine.store.samples import SampleRow, save_sample
from engine.tasks.measurement import MeasurementContext
from engine.tasks.resident import sample_of, tokenizer_of

if TYPE_CHECKING:
    from engine.inference.sampling import Sample

_DECODED = 32
"""Documents whose tokens are made text again, at most."""


def store_sample(context: MeasurementContext) -> None:
    """Record where the context's sequences come from."""
    row = _row(context)
    with closing(open_for_writing(context.store)) as db:
        save_sample(db, context.key, row)


def _row(context: MeasurementContext) -> SampleRow:
    sample, tokenizer = sample_of(context.checkpoint, context.options), tokenizer_of(context.checkpoint)
    return SampleRow(
        sequences=len(sample.sequences),
        tokens=int(sample.sequences.is_text.sum()),
        documents=len(sample.documents),
        documents_in_split=sample.documents_in_text,
        prefix=tokenizer.decode(list(sample.marks.prefix)),
        notes=tuple(_notes(context.checkpoint, sample, tokenizer)),
    )


def _notes(checkpoint: Checkpoint, sample: "Sample", tokenizer: Any) -> Iterator[str]:
    if getattr(tokenizer, "chat_template", None) and not any(document.messages for document in sample.documents):
        yield (
            'the model is made for chats and the text is plain prose: JSONL with "messages" goes through its chat '
            "template (--text FILE.jsonl)"
        )
    window, length = attention_window(checkpoint), sample.sequences.seq_len
    if window and length > window:
        yield f"sequences of {length:,} tokens are longer than the attention window of {window:,} that some layers have"
    looked_at, changed = _changed_by_tokens(sample, tokenizer)
    if changed:
        yield (
            f"the tokenizer does not give back what it was given: {changed} of {looked_at} documents come out as other "
            "text, and that is what the model is measured on"
        )


def _changed_by_tokens(sample: "Sample", tokenizer: Any) -> tuple[int, int]:
    """How many documents were looked at, and how many of them differ once their tokens are made text again."""
    from engine.inference.marks import text_tokens

    texts = [document.text for document in islice(sample.documents, _DECODED) if document.text]
    again = [
        tokenizer.decode(text_tokens(tokenizer, sample.marks, text), clean_up_tokenization_spaces=False)
        for text in texts
    ]
    return len(texts), sum(one.strip() != other.strip() for one, other in zip(texts, again, strict=True))
