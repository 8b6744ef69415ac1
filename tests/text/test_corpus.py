"""What the two splits of a text promise: nothing in both, nothing lost, about equal, the same every time."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.text.corpus import Document, Split, corpus_of, documents_of

TEXTS = st.lists(st.text("abc \n", min_size=1, max_size=60), min_size=2, max_size=40)


def documents(texts):
    return [Document(str(place), text) for place, text in enumerate(texts)]


def splits_of(texts):
    return [documents_of(corpus_of("text", documents(texts)), split) for split in Split]


def characters(documents):
    return sum(document.characters for document in documents)


@given(TEXTS.filter(lambda texts: len(set(texts)) > 1))
def test_every_document_is_in_one_half_alone_and_equal_ones_in_the_same(texts):
    selection, heldout = splits_of(texts)
    assert sorted([*selection, *heldout], key=lambda document: int(document.title)) == documents(texts)
    assert not {document.text for document in selection} & {document.text for document in heldout}


@given(st.sets(st.text("abcdefgh", min_size=1, max_size=60), min_size=2, max_size=40))
def test_the_halves_differ_by_no_more_than_the_longest_document(texts):
    selection, heldout = splits_of(sorted(texts))
    assert abs(characters(selection) - characters(heldout)) <= max(map(len, texts))


def test_the_halves_do_not_depend_on_the_run():
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
