"""Reading a text keeps every document, and names every fault with file and place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.text import files
from engine.text.files import DOCUMENT_CHARACTERS, documents_of_text, read_corpus

TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Yes."}]


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def jsonl(path, *entries):
    return written(path, "\n".join(map(json.dumps, entries)))


def test_plain_text_is_cut_at_blank_lines(tmp_path):
    paragraphs = [f"Paragraph {n} " + "and so on " * 100 for n in range(12)]
    corpus = read_corpus([written(tmp_path / "book.txt", "\n\n".join(paragraphs))])
    assert [document.title for document in corpus.documents[:2]] == ["book.txt, line 1", "book.txt, line 7"]
    assert "\n\n".join(document.text for document in corpus.documents) == "\n\n".join(paragraphs)


@given(st.text("ab .\n\t\u00e9", max_size=3 * DOCUMENT_CHARACTERS))
def test_no_character_is_lost_and_no_document_is_too_long(tmp_path_factory, text):
    result = list(documents_of_text(tmp_path_factory.getbasetemp() / "book.txt", text))
    assert "".join("".join(document.text for document in result).split()) == "".join(text.split())
    assert all(0 < len(document.text) <= DOCUMENT_CHARACTERS or " " not in document.text for document in result)


@pytest.mark.parametrize("separator", ["\n\n", "\n", ". ", " "])
def test_a_long_text_has_two_splits_with_any_line_breaks(tmp_path, separator):
    corpus = read_corpus([written(tmp_path / "book.txt", separator.join(["word"] * 4000))])
    assert len(corpus.documents) > 3
    assert max(len(document.text) for document in corpus.documents) <= DOCUMENT_CHARACTERS


def test_jsonl_gives_a_document_for_each_line_with_text_or_messages(tmp_path):
    file = jsonl(tmp_path / "chat.jsonl", {"text": "one"}, {"messages": TURNS, "text": "ignored"}, {"text": " "})
    first, chat, _ = read_corpus([file]).documents
    assert (first.title, first.text) == ("chat.jsonl, line 1", "one")
    assert (chat.text, chat.messages) == ("", tuple(TURNS))


def test_files_are_read_in_the_order_given(tmp_path):
    files = [written(tmp_path / name, name) for name in ("b.txt", "a.txt")]
    corpus = read_corpus(files)
    assert (corpus.name, [document.text for document in corpus.documents]) == ("b.txt, a.txt", ["b.txt", "a.txt"])


def test_line_ends_and_byte_order_marks_do_not_change_the_hash(tmp_path):
    unix = read_corpus([written(tmp_path / "unix.txt", "one\n\ntwo")])
    windows = read_corpus([written(tmp_path / "windows.txt", b"\xef\xbb\xbfone\r\n\r\ntwo")])
    assert unix.sha256 == windows.sha256


BROKEN_LINES = {
    "not JSON": ("{'text': 1}", "it is not JSON"),
    "nested without end": ("[" * 100_000, "it is not JSON"),
    "a number too long": ('{"text": ' + "1" * 5000 + "}", "it is not JSON"),
    "a list": ("[]", "it is not an object"),
    "other keys": ('{"content": "x"}', 'neither "text" nor "messages"'),
    "text that is a number": ('{"text": 3}', '"text" is missing or not text'),
    "half a character": ('{"text": "\\ud800"}', "half of a surrogate pair"),
    "messages that are text": ('{"messages": "x"}', '"messages" is not a list'),
    "a turn that is text": ('{"messages": ["x"]}', "not an object"),
    "a turn without a role": ('{"messages": [{"content": "x"}]}', '"role" is missing'),
    "a turn of parts": ('{"messages": [{"role": "user", "content": []}]}', '"content" is missing or not text'),
}


@pytest.mark.parametrize(("line", "reason"), BROKEN_LINES.values(), ids=BROKEN_LINES)
def test_an_invalid_line_is_named(tmp_path, line, reason):
    file = written(tmp_path / "bad.jsonl", '{"text": "fine"}\n\n' + line)
    with pytest.raises(UsageError, match=r"bad\.jsonl, line 3: .*" + reason):
        read_corpus([file])


def test_text_that_is_not_utf8_is_named_with_its_byte(tmp_path):
    with pytest.raises(UsageError, match=r"latin\.txt is not UTF-8 text: byte 3 is 0xe9"):
        read_corpus([written(tmp_path / "latin.txt", "caf\u00e9 noir".encode("latin-1"))])


@pytest.mark.parametrize("name", ["empty.txt", "empty.jsonl"])
@pytest.mark.parametrize("content", ["", " \n\n \t\n"])
def test_an_empty_file_is_named(tmp_path, name, content):
    with pytest.raises(UsageError, match=r"empty\.\w+ has no text"):
        read_corpus([written(tmp_path / name, content)])


def test_what_is_not_a_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.txt does not exist"):
        read_corpus([tmp_path / "absent.txt"])
    with pytest.raises(UsageError, match="is a directory"):
        read_corpus([tmp_path])


def test_a_file_too_large_is_refused_with_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 10**6)
    with pytest.raises(UsageError, match="has 2.00 MB, at most 1.00 MB are read"):
        read_corpus([written(tmp_path / "big.txt", bytes(2 * 10**6))])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_corpus_or_one_error(tmp_path_factory, content):
    for suffix in ("txt", "jsonl"):
        file = written(tmp_path_factory.getbasetemp() / f"any.{suffix}", content)
        try:
            assert read_corpus([file]).documents
        except UsageError as error:
            assert "any." in error.what
