"""The two splits of a text: nothing in both, nothing lost, about equal, reproducible. And the built-in text."""

import hashlib
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.text.corpus import Document, Split, builtin_corpus, corpus_of, documents_of

TEXTS = st.lists(st.text("abc \n", min_size=1, max_size=60), min_size=2, max_size=40)


def documents(texts):
    return [Document(str(place), text) for place, text in enumerate(texts)]


def splits_of(texts):
    return [documents_of(corpus_of("text", documents(texts)), split) for split in Split]


def characters(documents):
    return sum(document.characters for document in documents)


@given(TEXTS.filter(lambda texts: len(set(texts)) > 1))
def test_every_document_is_in_exactly_one_split_and_equal_ones_in_the_same(texts):
    selection, heldout = splits_of(texts)
    assert sorted([*selection, *heldout], key=lambda document: int(document.title)) == documents(texts)
    assert not {document.text for document in selection} & {document.text for document in heldout}


@given(st.sets(st.text("abcdefgh", min_size=1, max_size=60), min_size=2, max_size=40))
def test_the_splits_differ_by_at_most_the_longest_document(texts):
    selection, heldout = splits_of(sorted(texts))
    assert abs(characters(selection) - characters(heldout)) <= max(map(len, texts))


def test_the_splits_do_not_depend_on_the_run():
    texts = [hashlib.sha256(bytes([n])).hexdigest() for n in range(8)]
    assert [document.title for document in splits_of(texts)[0]] == ["3", "4", "6", "7"]


@pytest.mark.parametrize("texts", [["one"], ["one", "one"], []])
def test_one_document_cannot_be_split(texts):
    with pytest.raises(UsageError, match="cannot be split .* only one document"):
        splits_of(texts)


def test_the_hash_is_of_the_content_in_order_and_of_nothing_else():
    one = corpus_of("one", [Document("a", "first"), Document("b", "second")])
    assert one.sha256 == corpus_of("two", [Document("c", "first"), Document("d", "second")]).sha256
    assert one.sha256 != corpus_of("one", [Document("a", "second"), Document("b", "first")]).sha256
    assert one.sha256 != corpus_of("one", [Document("a", "first\nsecond")]).sha256


def test_messages_count_as_content():
    turns = [({"role": role, "content": "hello"},) for role in ("user", "assistant")]
    said = [corpus_of("chat", [Document("a", "", messages)]) for messages in turns]
    assert said[0].sha256 != said[1].sha256
    assert said[0].documents[0].characters == len("hello")


SHA256 = "bce6abf260c1b77aadfd965495a4e22ca6220afc773fb8f0407fa09139057161"


def test_the_text_is_fixed():
    """Stored measurements are looked up by this hash, in every version of Python."""
    assert builtin_corpus().sha256 == SHA256


def test_both_splits_have_enough_documents_and_prose_for_a_profile():
    for split in Split:
        documents = documents_of(builtin_corpus(), split)
        assert len(documents) >= 32
        assert sum(document.characters for document in documents) > 50_000


def test_a_document_is_a_topic_and_the_topics_are_in_order():
    titles = [document.title for document in builtin_corpus().documents]
    assert titles == sorted(set(titles))


def test_no_paragraph_occurs_twice():
    paragraphs = [text for document in builtin_corpus().documents for text in document.text.split("\n\n")]
    assert Counter(paragraphs).most_common(1)[0][1] == 1


def test_it_is_prose():
    text = "".join(document.text for document in builtin_corpus().documents)
    assert not any(mark in text for mark in (">>>", "::=", "+---", "****"))


def test_its_licence_is_included():
    licence = files("engine.text").joinpath("data", "python_manual.LICENSE").read_text(encoding="utf-8")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in licence
    assert "Copyright (c) 2001-2023 Python Software Foundation" in licence
