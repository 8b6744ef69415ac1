"""What reading config.json promises."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint.config import parse_config, read_config
from engine.errors import CheckpointError
from tests.cases import cases


@cases(
    ("text", "tower", "layers"),
    [
        ('{"num_hidden_layers": 6}', (), 6),
        ('{"n_layer": 12}', (), 12),
        ('{"text_config": {"num_hidden_layers": 4}}', ("text_config",), 4),
        ('{"thinker_config": {"text_config": {"num_hidden_layers": 3}}}', ("thinker_config", "text_config"), 3),
    ],
)
def test_the_layer_count_is_found_where_the_family_keeps_it(text, tower, layers):
    config = parse_config(text, Path("config.json"))
    assert (config.tower, config.layer_count) == (tower, layers)


@cases(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", "holds a list"),
        ("{}", "does not state the number of layers"),
        ('{"num_hidden_layers": "6"}', "does not state the number of layers"),
        ('{"num_hidden_layers": true}', "does not state the number of layers"),
        ('{"num_hidden_layers": 0}', "does not state the number of layers"),
        ('{"num_layers": 6, "is_encoder_decoder": true}', "no single stack"),
    ],
)
def test_what_is_no_decoder_config_is_refused(text, reason):
    with pytest.raises(CheckpointError) as caught:
        parse_config(text, Path("some/config.json"))
    assert reason in str(caught.value)
    assert "some/config.json" in str(caught.value)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "config.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(CheckpointError, match="not UTF-8"):
        read_config(tmp_path / "config.json")


@given(st.text(max_size=50))
def test_arbitrary_text_is_read_or_refused(text):
    try:
        assert parse_config(text, Path("x")).layer_count > 0
    except CheckpointError as error:
        assert str(error)


@cases(("number", "layers"), [("7.0", 7), ("7", 7), ("7e0", 7)])
def test_a_whole_number_is_a_depth_however_it_is_spelled(number, layers):
    assert parse_config(f'{{"num_hidden_layers": {number}}}', Path("config.json")).layer_count == layers


@cases("number", ["7.5", "-1", "NaN", "Infinity", "1e400"])
def test_no_other_number_is_a_depth(number):
    with pytest.raises(CheckpointError, match="does not state the number of layers"):
        parse_config(f'{{"num_hidden_layers": {number}}}', Path("config.json"))
