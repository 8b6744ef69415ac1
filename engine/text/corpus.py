"""A text as documents, split into a selection set and a held-out set."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Document:
    """One piece of text that is measured as a whole or in sequences, never joined across the splits."""

    title: str
    """Where it comes from: a topic, or file and line."""
    text: str
    """Empty when `messages` are given."""
    messages: tuple[dict[str, str], ...] = ()
    """Chat turns, each {"role": ..., "content": ...}, for the tokenizer's chat template."""

    @property
    def content(self) -> str:
        """Everything that is measured, as one line of JSON. Equal for equal documents of different titles."""
        return json.dumps([self.text, self.messages], ensure_ascii=False)

    @property
    def characters(self) -> int:
        return len(self.text) + sum(len(message["content"]) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents in a fixed order."""

    name: str
    """As a user would call it."""
    documents: tuple[Document, ...]
    sha256: str
    """Of the documents' content in order; their titles and the corpus's name do not matter."""


class Split(StrEnum):
    """The two splits of a corpus. A figure that selected a plan never evaluates it."""

    SELECTION = "selection"
    HELDOUT = "heldout"

    @property
    def label(self) -> str:
        """As people call it: "selection set"."""
        return "held-out set" if self is Split.HELDOUT else "selection set"


def corpus_of(name: str, documents: Iterable[Document]) -> Corpus:
    """The corpus of these documents, with its hash."""
    kept = tuple(documents)
    digest = hashlib.sha256("\n".join(document.content for document in kept).encode())
    return Corpus(name, kept, digest.hexdigest())


def documents_of(corpus: Corpus, split: Split) -> tuple[Document, ...]:
    """Return the documents of one split, in the corpus's order.

    The splits share no document, not even two that are equal; they are about equal in characters, and the same in
    every run. Raises UsageError when there is only one document.
    """
    splits = _assigned(corpus.documents)
    if len(splits) < 2:
        raise UsageError(
            f"{corpus.name} cannot be split into a selection set and a held-out set",
            why="it has only one document",
            fix="Give a longer text, or several files.",
        )
    return tuple(document for document in corpus.documents if splits[document.content] is split)


def _assigned(documents: Iterable[Document]) -> Mapping[str, Split]:
    """Return the split of each content: the largest first, each to the split that has fewer characters so far."""
    sizes: Counter[str] = Counter()
    for document in documents:
        sizes[document.content] += document.characters
    characters = dict.fromkeys(Split, 0)
    splits: dict[str, Split] = {}
    for content, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        lighter = min(Split, key=characters.__getitem__)
        splits[content] = lighter
        characters[lighter] += size
    return splits
