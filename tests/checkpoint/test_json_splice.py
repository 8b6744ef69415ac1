import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint.json_splice import spliced
from engine.errors import CheckpointError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
KEYS = st.sampled_from(["a", "b", "layer_types", 'quo"te\\', "ü", ""])
NESTED = st.recursive(SCALARS | st.lists(SCALARS), lambda inner: st.dictionaries(KEYS, inner), max_leaves=12)
DOCUMENTS = st.dictionaries(KEYS, NESTED)
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(tuple)
SPELLINGS = st.sampled_from(
    [
        {"indent": 2},
        {"indent": 4, "sort_keys": True},
        {"indent": "\t", "ensure_ascii": False},
        {},
        {"separators": (",", ":")},
    ]
)


def edited(document: Any, path: tuple[str, ...], value: Any) -> Any:
    """The edit on the parsed object; None where something on the way is no object."""
    result = holder = copy.deepcopy(document)
    for key in path[:-1]:
        holder = holder.setdefault(key, {})
        if not isinstance(holder, dict):
            return None
    holder[path[-1]] = value
    return result


@given(DOCUMENTS, PATHS, VALUES, SPELLINGS)
def test_means_the_edit_on_the_parsed_object(document: Any, path: Any, value: Any, spelling: Any) -> None:
    text = json.dumps(document, **spelling) + "\n"
    wanted = edited(document, path, value)
    if wanted is None:
        with pytest.raises(CheckpointError):
            spliced(text, {path: value})
    else:
        assert json.loads(spliced(text, {path: value})) == wanted


@given(DOCUMENTS, KEYS, VALUES, SPELLINGS)
def test_every_byte_outside_the_value_stays(document: Any, key: str, value: Any, spelling: Any) -> None:
    document = {**document, key: "the old value"}
    text = f" {json.dumps(document, **spelling)}\n\n"
    before, _, after = text.partition(json.dumps("the old value"))
    result = spliced(text, {(key,): value})
    assert result.startswith(before)
    assert result.endswith(after)


def test_a_list_spread_over_lines_stays_spread() -> None:
    text = '{\n  "n": 2,\n  "kinds": [\n    "a",\n    "b"\n  ],\n  "z": 1.50\n}\n'
    assert spliced(text, {("n",): 1, ("kinds",): ["b"]}) == (
        '{\n  "n": 1,\n  "kinds": [\n    "b"\n  ],\n  "z": 1.50\n}\n'
    )


def test_a_list_on_one_line_stays_on_one_line() -> None:
    assert spliced('{\n  "kinds": ["a", "b"]\n}', {("kinds",): ["b"]}) == '{\n  "kinds": ["b"]\n}'


def test_an_inserted_key_imitates_its_neighbours() -> None:
    text = '{\n    "a": {\n        "b": 1\n    }\n}'
    assert spliced(text, {("a", "c"): [2]}) == (
        '{\n    "a": {\n        "b": 1,\n        "c": [\n            2\n        ]\n    }\n}'
    )


def test_of_a_repeated_key_the_last_counts() -> None:
    assert spliced('{"a": 1, "a": 2}', {("a",): 3}) == '{"a": 1, "a": 3}'


def test_no_change_is_no_change() -> None:
    assert spliced('{ "a" :1e3 }', {}) == '{ "a" :1e3 }'
