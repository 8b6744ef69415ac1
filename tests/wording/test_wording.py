"""Texts of the product are plain technical English; a room that is not there yet gets no worse."""

import warnings
from pathlib import Path

import pytest

from tests.wording.patterns import PATTERNS, hits
from tests.wording.ratchet import allowed, counts
from tests.wording.texts import PACKAGES, Kind, Text, packages, prose_texts, python_texts

ROOMS = sorted({"docs", *PACKAGES, *(f"{package}/{room.name}" for package in PACKAGES for room in packages(package))})

FORBIDDEN = [
    (Kind.DOCSTRING, "Of the store."),
    (Kind.HELP, "At most."),
    (Kind.DOCSTRING, "How far a running job is."),
    (Kind.NAME, "found"),
    (Kind.NAME, "_told"),
    (Kind.MESSAGE, "x is no number"),
    (Kind.HELP, "Judge so many of the best."),
    (Kind.MESSAGE, "the machine stands in the way"),
    (Kind.MESSAGE, "no key can mend this one"),
    (Kind.MESSAGE, "answers 181 of 208 items rightly"),
    (Kind.MESSAGE, "cannot be told: no answer"),
    (Kind.COMMENT, "nobody wants to know"),
    (Kind.MESSAGE, "what is in the way of this batch: it is in the way"),
    (Kind.PROSE, "write the plan anew"),
    (Kind.MESSAGE, "there is nothing to take back"),
    (Kind.MESSAGE, "run it beside its base"),
    (Kind.MESSAGE, "behind 1 other"),
    (Kind.HELP, "Items at once."),
    (Kind.DOCSTRING, "Told one by one."),
    (Kind.MESSAGE, "Give them up?"),
    (Kind.DOCSTRING, "The name, or the text where there is none."),
    (Kind.MESSAGE, "the judging half"),
    (Kind.DOCSTRING, "The directory lies below the store."),
    (Kind.DOCSTRING, "Jobs that ended lately."),
    (Kind.MESSAGE, "the others had better wait"),
    (Kind.DOCSTRING, "Layers in all."),
    (Kind.DOCSTRING, "What transformers says of it."),
    (Kind.DOCSTRING, "The reason is said on stderr."),
    (Kind.COMMENT, "the log tells more"),
    (Kind.DOCSTRING, "Terminals that speak Unicode."),
    (Kind.DOCSTRING, "The group that every verb hangs on."),
]

PLAIN = [
    (Kind.DOCSTRING, "Return the number of layers."),
    (Kind.HELP, "Maximum number of tokens."),
    (Kind.DOCSTRING, "For example, a block of four layers."),
    (Kind.MESSAGE, "At most 30 layers exist, so the range ends at 30."),
    (Kind.MESSAGE, "there is no directory x"),
    (Kind.DOCSTRING, "Return the key, or None if the key is None."),
    (Kind.COMMENT, "what recommends and amends it understands"),
    (Kind.NAME, "founder"),
]


def test_no_room_gets_more_forbidden_wordings() -> None:
    limits, numbers = allowed(), counts()
    assert [
        f"`python -m tests.wording {room}` lists {numbers[room]}, allowed are {limits.get(room, 0)}"
        for room in ROOMS
        if numbers[room] > limits.get(room, 0)
    ] == []
    for room, limit in limits.items():
        if numbers[room] < limit:
            warnings.warn(f"{room} has {numbers[room]} of {limit}: `python -m tests.wording --lower`", stacklevel=1)


def test_the_table_names_rooms_that_exist() -> None:
    assert set(allowed()) <= set(ROOMS)


def test_foreign_wording_is_reported() -> None:
    assert [text for kind, text in FORBIDDEN if not list(hits(Text(Path("engine/a.py"), 1, kind, text)))] == []


def test_every_pattern_has_an_example() -> None:
    seen = [hit.pattern for kind, text in FORBIDDEN for hit in hits(Text(Path("a.py"), 1, kind, text))]
    assert [pattern.regex.pattern for pattern in PATTERNS if pattern not in seen] == []


def test_plain_wording_passes() -> None:
    assert [hit for kind, text in PLAIN for hit in hits(Text(Path("engine/a.py"), 1, kind, text))] == []


def test_texts_of_a_module_are_docstrings_help_messages_comments_and_names() -> None:
    source = '''"""Module."""

LIMIT = 3
"""Attribute."""


def run(path):  # comment
    """Function."""
    option(help="Help.")
    Action("plan", "undo", "u", "undo the last edit")
    raise Error(f"no {path} here", name="word")
'''
    texts = {(text.kind, text.text) for text in python_texts(Path("engine/plan/a.py"), source)}
    assert texts == {
        (Kind.DOCSTRING, "Module."),
        (Kind.DOCSTRING, "Attribute."),
        (Kind.DOCSTRING, "Function."),
        (Kind.HELP, "Help."),
        (Kind.HELP, "undo the last edit"),
        (Kind.MESSAGE, "no {} here"),
        (Kind.COMMENT, "comment"),
        (Kind.NAME, "LIMIT"),
        (Kind.NAME, "run"),
        (Kind.NAME, "path"),
    }


def test_prose_is_read_without_code() -> None:
    page = "Text with `code that stands`.\n```sh\ncode that stands\n```\nMore.\n"
    assert [text.text for text in prose_texts(Path("docs/a.md"), page)] == ["Text with `code`.", "More."]


@pytest.mark.parametrize(
    ("path", "room"),
    [("engine/plan/rules/size.py", "engine/plan"), ("engine/errors.py", "engine"), ("dlec_tui/app.py", "dlec_tui")],
)
def test_a_room_is_a_package_below_the_top(path: str, room: str) -> None:
    assert Text(Path(path), 1, Kind.MESSAGE, "").room == room
