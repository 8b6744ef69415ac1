"""Documents of a text, split into a selection set and a held-out set, and the built-in text."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from engine.errors import UsageError

_BUILTIN_NAME = "the manual of Python 3.11"


@dataclass(frozen=True, slots=True)
class Document:
    """Unit of text that is assigned to one split as a whole."""

    title: str
    """Origin of the document: a topic, or file and line."""
    text: str
    """Plain text; empty for a chat."""
    messages: tuple[dict[str, str], ...] = ()
    """Chat turns, each {"role": ..., "content": ...}, for the tokenizer's chat template."""

    @property
    def content(self) -> str:
        """Return the text and the messages as one line of JSON, without the title."""
        return json.dumps([self.text, self.messages], ensure_ascii=False)

    @property
    def characters(self) -> int:
        """Total number of characters."""
        return len(self.text) + sum(len(message["content"]) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents in a fixed order."""

    name: str
    """Name for the user."""
    documents: tuple[Document, ...]
    sha256: str
    """Hash of the documents' content in order, without titles and name."""


class Split(StrEnum):
    """The two splits of a corpus. A figure that selected a plan never evaluates it."""

    SELECTION = "selection"
    HELDOUT = "heldout"

    @property
    def label(self) -> str:
        """Name of the split in text, such as "selection set"."""
        return "held-out set" if self is Split.HELDOUT else "selection set"


def corpus_of(name: str, documents: Iterable[Document]) -> Corpus:
    """Return a corpus of `documents`."""
    kept = tuple(documents)
    digest = hashlib.sha256("\n".join(document.content for document in kept).encode())
    return Corpus(name, kept, digest.hexdigest())


def documents_of(corpus: Corpus, split: Split) -> tuple[Document, ...]:
    """Return the documents of one split, in the corpus's order.

    Equal documents go to the same split. The splits have about the same number of characters and do not depend on the
    run. Raises UsageError if there is only one document.
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
    """Return the split of each content, assigned by decreasing size to the split with fewer characters so far."""
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


def builtin_corpus() -> Corpus:
    """Return the built-in text: prose about Python, the same in every version and on every host.

    It has about 108,000 characters of the reference manual of Python 3.11, one document per topic, in alphabetical
    order, under data/python_manual.LICENSE. No two documents share a paragraph.
    """
    text = files("engine.text").joinpath("data", "python_manual.jsonl").read_text(encoding="utf-8")
    return corpus_of(_BUILTIN_NAME, (Document(**json.loads(line)) for line in text.splitlines()))
