"""The text that every CPython carries: the reference manual's prose, by topic (about 300,000 characters).

It differs from one Python version to the next, and so does its hash. No text of anybody else is shipped.
"""

import re
import sys
from collections.abc import Iterator, Mapping

from engine.text.corpus import Corpus, Document, corpus_of

MIN_CHARACTERS = 400
"""A topic with less prose than this is a grammar, a table or a stub."""
MIN_WORDS = 8
"""A paragraph with fewer is a heading, a signature or a line of code."""
MIN_LETTERS = 0.72
"""Share of letters and spaces in prose; code and grammars have more punctuation."""

_SENTENCE_END = re.compile(r"[.:?!;)\]]$")
_BULLET = re.compile(r"^(\* |\[\d+\] |\d+\. )")
_FOOTNOTE_MARK = re.compile(r" \[\d+\]")
_MARKUP = re.compile(r"\*\*?(\w[^*\n]*?)\*\*?")
_CODE = re.compile(r">>>|::=|\+---|====|^\|", re.MULTILINE)


def builtin_corpus() -> Corpus:
    """One document for each topic of `pydoc_data.topics` that is prose, in alphabetical order.

    Topics quote each other at length; a paragraph stays in the shortest topic that has it, so that no two documents
    share one.
    """
    from pydoc_data.topics import topics  # 0.7 MB of text

    return corpus_of(f"the manual of Python {sys.version_info.major}.{sys.version_info.minor}", _documents(topics))


def _documents(topics: Mapping[str, str]) -> Iterator[Document]:
    texts = _without_repetition({topic: list(prose_of(text)) for topic, text in topics.items()})
    for topic, paragraphs in sorted(texts.items()):
        text = "\n\n".join(paragraphs)
        if len(text) >= MIN_CHARACTERS:
            yield Document(topic, text)


def _without_repetition(paragraphs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    seen: set[str] = set()
    kept: dict[str, list[str]] = {}
    for topic in sorted(paragraphs, key=lambda topic: (len(paragraphs[topic]), topic)):
        kept[topic] = [text for text in dict.fromkeys(paragraphs[topic]) if text not in seen]
        seen.update(kept[topic])
    return kept


def prose_of(text: str) -> Iterator[str]:
    """The paragraphs of a topic that are English sentences, each on one line, without markup."""
    for block in re.split(r"\n\s*\n", text):
        if not _CODE.search(block):
            paragraph = _unmarked(" ".join(block.split()))
            if _is_prose(paragraph):
                yield paragraph


def _unmarked(paragraph: str) -> str:
    return _FOOTNOTE_MARK.sub("", _MARKUP.sub(r"\1", _BULLET.sub("", paragraph)))


def _is_prose(paragraph: str) -> bool:
    plain = sum(character.isalpha() or character == " " for character in paragraph)
    is_long_enough = len(paragraph.split()) >= MIN_WORDS
    return is_long_enough and plain >= MIN_LETTERS * len(paragraph) and bool(_SENTENCE_END.search(paragraph))
