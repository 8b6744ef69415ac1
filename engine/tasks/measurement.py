"""Context of a measurement: checkpoint and options, and the key and store that follow from them."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoint.attention import attention_window
from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.keys import MeasurementKey
from engine.store.location import store_path
from engine.store.models import ModelRow
from engine.store.samples import SampleRow, find_sample, sample_answer, save_sample
from engine.tasks.measurement_options import MeasurementOptions, dtype_of, options_from
from engine.tasks.resident import sample_of, text_of, tokenizer_of
from engine.text.corpus import Corpus

if TYPE_CHECKING:
    from engine.inference.sampling import Sample

METRICS_VERSION = 2
"""Version of the formulas and of the way in which text becomes sequences; results of other versions are not used.

2: every sequence begins with the prefix of the tokenizer, and is chosen from all over the text."""

TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "spiece.model"),
    *("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"),
)
"""Files that decide which tokens a text becomes."""

JOINT = "+"
"""Separator of the fingerprints of several checkpoints of one plan."""


@dataclass(frozen=True)
class MeasurementContext:
    """Context of a measurement: checkpoint, options, and the key and store that follow from them."""

    checkpoint: Checkpoint
    options: MeasurementOptions
    others: tuple[Checkpoint, ...] = ()
    """Further checkpoints that the figures depend on."""

    @cached_property
    def corpus(self) -> Corpus:
        return text_of(self.options)

    @cached_property
    def key(self) -> MeasurementKey:
        return MeasurementKey(
            fingerprint=JOINT.join(map(fingerprint, (self.checkpoint, *self.others))),
            tokenizer=_tokenizer_hash(self.checkpoint.directory),
            text_sha256=self.corpus.sha256,
            split=self.options.split,
            tokens=self.options.tokens,
            seq_len=self.options.seq_len,
            dtype=self.dtype,
            versions=_versions(),
        )

    @property
    def dtype(self) -> str:
        """torch's name of the dtype of the computation."""
        return dtype_of(self.checkpoint, self.options)

    @property
    def store(self) -> Path:
        return store_path(Path(self.options.home) if self.options.home else None)

    def require_writable_store(self) -> None:
        """Raise MachineError if the store cannot be written: better before the work than after it."""
        with closing(open_for_writing(self.store)) as db, transaction(db):
            pass

    def described(self, *, is_stored: bool) -> dict[str, Any]:
        """Return the part of every answer about its context."""
        with closing(open_for_reading(self.store)) as connection:
            sample = sample_answer(find_sample(connection, self.key))
        key = asdict(self.key)
        fields = {"reference": self.checkpoint.reference, "corpus": self.corpus.name, "key": key}
        return {**fields, "sample": sample, "stored": is_stored}


def measurement_context(request: Mapping[str, Any]) -> MeasurementContext:
    """Open a request: {"model": directory, "reference": the user's name for it} and the measurement options."""
    directory = Path(request["model"])
    return MeasurementContext(open_checkpoint(directory, request.get("reference", "")), options_from(request))


def model_row(checkpoint: Checkpoint) -> ModelRow:
    """Return the checkpoint's row of the store, under the user's name for it."""
    config = checkpoint.config
    hidden_size = config.decoder.get("hidden_size", config.decoder.get("n_embd"))
    return ModelRow(
        fingerprint=fingerprint(checkpoint),
        reference=checkpoint.reference,
        model_type=config.model_type,
        layers=checkpoint.layer_count,
        hidden_size=hidden_size if isinstance(hidden_size, int) else None,
        parameters=checkpoint.parameters,
        nbytes=checkpoint.nbytes,
    )


def _tokenizer_hash(directory: Path) -> str:
    """Return a hash of the tokenizer's files, 32 hexadecimal digits; missing files are left out."""
    digest = hashlib.blake2b(digest_size=16)
    for name in TOKENIZER_FILES:
        file = directory / name
        if file.is_file():
            digest.update(f"{name}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _versions() -> str:
    return f"torch {_version('torch')}, transformers {_version('transformers')}, metrics {METRICS_VERSION}"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


_DECODED = 32
"""Maximum number of documents whose tokens are decoded again."""


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
    """Return the number of documents that were decoded again, and how many of them changed."""
    from engine.inference.tokenizer import text_tokens

    texts = [document.text for document in islice(sample.documents, _DECODED) if document.text]
    again = [
        tokenizer.decode(text_tokens(tokenizer, sample.marks, text), clean_up_tokenization_spaces=False)
        for text in texts
    ]
    return len(texts), sum(one.strip() != other.strip() for one, other in zip(texts, again, strict=True))
