"""Valid probe files, and the errors of invalid ones."""

import json
from pathlib import Path

import pytest

from engine.errors import MachineError, UsageError
from engine.text.probe import ProbeItem, read_probe


def write(file: Path, *lines: object) -> Path:
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return file


def test_items_have_choices_or_one_answer(tmp_path: Path) -> None:
    multiple_choice = {"prompt": "2 and 2 is", "choices": ["3", "4"]}
    file = write(
        tmp_path / "p.jsonl",
        {**multiple_choice, "answer": 1},
        "",
        {**multiple_choice, "answer": "3"},
        {"prompt": "a", "answer": "b"},
    )
    probe = read_probe(file)
    assert probe.items == (
        ProbeItem("2 and 2 is", ("3", "4"), 1),
        ProbeItem("2 and 2 is", ("3", "4"), 0),
        ProbeItem("a", ("b",), 0),
    )
    assert [item.is_open for item in probe.items] == [False, False, True]


def test_a_probe_is_known_by_its_items_and_not_by_its_spelling(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", {"prompt": "a", "choices": ["b", "c"], "answer": 0})
    same = write(tmp_path / "same.jsonl", '{"answer": "b",  "choices": ["b", "c"], "prompt": "a"}')
    other = write(tmp_path / "other.jsonl", {"prompt": "a", "choices": ["b", "c"], "answer": 1})
    assert read_probe(one).sha256 == read_probe(same).sha256 != read_probe(other).sha256


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not a valid item"),
        ("[1]", "not an object"),
        ({"prompt": "a"}, "answer is not text"),
        ({"prompt": " ", "answer": "b"}, "prompt is not text"),
        ({"prompt": "a", "choices": ["b"], "answer": 0}, "at least two texts"),
        ({"prompt": "a", "choices": ["b", "b"], "answer": 0}, "are the same"),
        ({"prompt": "a", "choices": ["b", 3], "answer": 0}, "choice is not text"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": 2}, "not one of the choices"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": True}, "not one of the choices"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": "d"}, "not one of the choices"),
        ('{"prompt": "\\ud800", "answer": "b"}', "not a valid item"),
    ],
)
def test_an_invalid_item_is_reported_with_its_line(tmp_path: Path, line: object, why: str) -> None:
    file = write(tmp_path / "p.jsonl", {"prompt": "a", "answer": "b"}, line)
    with pytest.raises(UsageError, match=rf"p\.jsonl, line 2: .*{why}"):
        read_probe(file)


def test_a_file_that_is_not_a_probe_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no items"):
        read_probe(write(tmp_path / "empty.jsonl", ""))
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_probe(tmp_path / "latin.jsonl")
    with pytest.raises(MachineError, match="cannot be read"):
        read_probe(tmp_path / "absent.jsonl")
