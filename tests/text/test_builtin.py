"""What the built-in text promises: enough prose for both halves, in which no paragraph is met twice."""

import subprocess
import sys
from collections import Counter

from engine.text.builtin import MIN_CHARACTERS, builtin_corpus, prose_of
from engine.text.corpus import Half, half_of


def test_both_halves_have_enough_prose_for_a_profile():
    for half in Half:
        characters = sum(document.characters for document in half_of(builtin_corpus(), half))
        assert characters > 100_000


def test_a_document_is_a_topic_and_the_topics_are_in_order():
    titles = [document.title for document in builtin_corpus().documents]
    assert titles == sorted(titles)
    assert {"assert", "objects", "specialnames"} <= set(titles)


def test_no_paragraph_occurs_twice_though_topics_quote_each_other():
    paragraphs = [text for document in builtin_corpus().documents for text in document.text.split("\n\n")]
    assert Counter(paragraphs).most_common(1)[0][1] == 1


def test_what_is_left_out_is_not_prose():
    assert all(document.characters >= MIN_CHARACTERS for document in builtin_corpus().documents)
    text = "".join(document.text for document in builtin_corpus().documents)
    assert not any(mark in text for mark in (">>>", "::=", "+---", "****"))


TOPIC = """The "assert" statement
**********************

Assert statements are a convenient way to insert debugging assertions
into a program [1]:

   assert_stmt ::= "assert" expression ["," expression]

   if __debug__:
       if not expression: raise AssertionError

* An *indented* paragraph of a list is prose as well, when it says
  something in a sentence.

[1] Footnotes count, if they have enough words in them too.
"""


def test_prose_is_unwrapped_and_markup_stripped():
    assert list(prose_of(TOPIC)) == [
        "Assert statements are a convenient way to insert debugging assertions into a program:",
        "An indented paragraph of a list is prose as well, when it says something in a sentence.",
        "Footnotes count, if they have enough words in them too.",
    ]


def test_the_hash_is_the_same_in_another_process():
    code = "from engine.text.builtin import builtin_corpus; print(builtin_corpus().sha256)"
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).strip() == builtin_corpus().sha256
