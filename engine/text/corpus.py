"""A text as documents, and its two halves: one to choose a plan on, one to judge it on."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Document:
    """One piece of text that is measured as a whole or in sequences, never joined across the halves."""

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


class Half(StrEnum):
    """What a half of a corpus is for. A figure that chose a plan never judges it."""

    CHOOSING = "choosing"
    JUDGING = "judging"


def corpus_of(name: str, documents: Iterable[Document]) -> Corpus:
    """The corpus of these documents, with its hash."""
    kept = tuple(documents)
    digest = hashlib.sha256("\n".join(document.content for document in kept).encode())
    return Corpus(name, kept, digest.hexdigest())


def half_of(corpus: Corpus, half: Half) -> tuple[Document, ...]:
    """The documents of one half, in the corpus's order.

    The halves share no document, not even two that are equal; they are about equal in characters, and the same in
    every run. Raises UsageError when there is only one document.
    """
    halves = _assigned(corpus.documents)
    if len(halves) < 2:
        raise UsageError(
            f"{corpus.name} cannot be split into a choosing and a judging half",
            why="it has only one document",
            fix="Give a longer text, or several files.",
        )
    return tuple(document for document in corpus.documents if halves[document.content] is half)


def _assigned(documents: Iterable[Document]) -> Mapping[str, Half]:
    """The half of each content: the largest first, each to the half that has less so far."""
    sizes: Counter[str] = Counter()
    for document in documents:
        sizes[document.content] += document.characters
    characters = dict.fromkeys(Half, 0)
    halves: dict[str, Half] = {}
    for content, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        lighter = min(Half, key=characters.__getitem__)
        halves[content] = lighter
        characters[lighter] += size
    return halves
