"""What the built-in text promises: one text for every version and host, with enough prose for both splits."""

from collections import Counter
from importlib.resources import files

from engine.text.builtin import builtin_corpus
from engine.text.corpus import Split, documents_of

SHA256 = "bce6abf260c1b77aadfd965495a4e22ca6220afc773fb8f0407fa09139057161"


def test_the_text_is_fixed():
    """Stored measurements are found again by it, whatever Python they were made with."""
    assert builtin_corpus().sha256 == SHA256


def test_both_halves_have_enough_documents_and_prose_for_a_profile():
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


def test_its_licence_lies_beside_it():
    licence = files("engine.text").joinpath("data", "python_manual.LICENSE").read_text(encoding="utf-8")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in licence
    assert "Copyright (c) 2001-2023 Python Software Foundation" in licence
