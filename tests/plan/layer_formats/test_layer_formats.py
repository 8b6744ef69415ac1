"""What other tools write is read as they mean it, and there and back is identity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PlanError, UsageError
from engine.plan.layer_formats import MERGEKIT, NAMES, doubts, guessed, read, write
from engine.plan.layer_formats.mergekit import layers_of, plan_of
from tests.cases import cases

DEPTH = 24
sequences = st.lists(st.integers(0, DEPTH - 1), min_size=1, max_size=60).map(tuple)


@st.composite
def paths(draw):
    """What RYS can say: up from 0, back some times, up to the end."""
    layers, start = [], 0
    for _ in range(draw(st.integers(0, 4))):
        end = draw(st.integers(start + 1, DEPTH))
        layers += range(start, end)
        start = draw(st.integers(0, end - 1))
    return (*layers, *range(start, DEPTH))


MEANINGS = {
    "0..15,11..31": ("exllamav3", 32, [*range(16), *range(11, 32)]),
    "..15,11..": ("exllamav3", 32, [*range(16), *range(11, 32)]),
    "..,..": ("exllamav3", 3, [0, 1, 2, 0, 1, 2]),
    "4..1": ("exllamav3", None, [4, 3, 2, 1]),
    "0..14,12,13,14, 15 .. 39": ("exllamav3", None, [*range(15), 12, 13, 14, *range(15, 40)]),
    "(45,52)": ("rys", 80, [*range(52), *range(45, 80)]),
    "(0, 0)": ("rys", 4, [0, 1, 2, 3]),
    "(1,3) (3,5)": ("rys", 6, [0, 1, 2, 1, 2, 3, 4, 3, 4, 5]),
    "(1,3);(1,3)": ("rys", 4, [0, 1, 2, 1, 2, 1, 2, 3]),
    "[0, 1, 2, 1]": ("list", None, [0, 1, 2, 1]),
    " 3 ": ("list", None, [3]),
    "[(0,20),(10,30)]": ("exllamav2", 30, [*range(20), *range(10, 30)]),
    "[(0, 20), (10, 30), ]": ("exllamav2", None, [*range(20), *range(10, 30)]),
    "[[0, 2], [1, 3]]": ("exllamav2", None, [0, 1, 1, 2]),
    "[(3,4)]": ("exllamav2", None, [3]),
    "0-5,7,8-12": ("llama.cpp", None, [*range(6), 7, *range(8, 13)]),
    "0-15, 8-31": ("llama.cpp", 32, [*range(16), *range(8, 32)]),
    "2-2": ("llama.cpp", None, [2]),
    "0:16,8:32": ("python", 32, [*range(16), *range(8, 32)]),
    ":3,1:": ("python", 4, [0, 1, 2, 1, 2, 3]),
    "{0: 0, 1: 1}": ("map", None, [0, 1]),
    "{0:0,1:1,2:1,3:2,}": ("map", 3, [0, 1, 1, 2]),
    '{"1": 5, "0": 4}': ("map", None, [4, 5]),
}


@cases(("text", "meaning"), MEANINGS.items(), ids=MEANINGS)
def test_a_text_is_recognised_and_read_as_its_tool_means_it(text, meaning):
    dialect, depth, layers = meaning
    assert guessed(text) == dialect
    assert read(text, dialect, depth) == tuple(layers)


REFUSED = {
    "..3,1..": ("exllamav3", None, "--model"),
    "(1,2)": ("rys", None, "--model"),
    "0..3,,4": ("exllamav3", 8, "an empty item"),
    "0...3": ("exllamav3", 8, "layer `.3`"),
    "-1..3": ("exllamav3", 8, "layer `-1`"),
    "0..8": ("exllamav3", 8, "8 layers, 0 to 7"),
    "0..999999,0": ("exllamav3", None, "maximum is 10,000"),
    "9999999": ("list", None, "a whole number"),
    "1,x\x1b": ("list", None, r"`x\x1b`"),
    "": ("list", None, "item ``"),
    "[]": ("list", None, "item ``"),
    "(5,3)": ("rys", 8, "back to 5"),
    "(1,9)": ("rys", 8, "(1,9)"),
    "(5,8) (1,4)": ("rys", 8, "(1,4)"),
    "(1,2) x": ("rys", 8, "`x`"),
    "()": ("rys", 8, "two numbers"),
    "(": ("rys", 8, "two numbers"),
    "[(0,20),(10)]": ("exllamav2", None, "a pair of numbers"),
    "[(0,4),(5,3)]": ("exllamav2", None, "`(5, 3)` cannot be converted: it holds no layer"),
    "[(0,9)]": ("exllamav2", 8, "8 layers, 0 to 7"),
    "0-5*0.5,6-7": ("llama.cpp", None, "scales"),
    "5-3": ("llama.cpp", None, "no layer"),
    "0-": ("llama.cpp", None, "layer ``"),
    "3:3": ("python", None, "no layer"),
    "3:": ("python", None, "--model"),
    "{0: 0, 2: 1}": ("map", None, "none for new layer 1"),
    "{0: 0, 0: 1}": ("map", None, "twice"),
    "{0: 0, 1}": ("map", None, "layer ``"),
    "{}": ("map", None, "new layer ``"),
}


@cases(("text", "case"), REFUSED.items(), ids=map(repr, REFUSED))
def test_what_means_nothing_is_refused_with_the_reason(text, case):
    dialect, depth, says = case
    with pytest.raises(PlanError) as caught:
        read(text, dialect, depth)
    assert says in str(caught.value)


@cases("text", ["(0,20),(10,30)", "(1,3), (3,5)", "(0,20),\n(10,30)"])
def test_tuples_that_two_tools_read_differently_are_not_guessed(text):
    with pytest.raises(UsageError, match="--from exllamav2 or --from rys"):
        guessed(text)
    assert read(text, "exllamav2", None) != read(text, "rys", 40)


@cases(("text", "dialect"), [("[(0,20),(10,39)]", "exllamav2"), ("0:20,10:39", "python")])
def test_ranges_that_leave_out_the_last_layer_are_pointed_out(text, dialect):
    assert "layer 39, the model's last one" in doubts(read(text, dialect, 40), dialect, 40)
    assert doubts(read(text, dialect, 39), dialect, 39) == ""
    assert doubts(read(text, dialect, None), dialect, None) == ""


@cases(
    ("layers", "says"),
    [((0, 1, 3), "leaves out layers 2 to 2"), ((1, 2, 3), "from layer 1"), ((0, 1, 2), "to 2"), ((3, 2, 1, 0), "runs")],
)
def test_a_sequence_that_blocks_cannot_say_is_refused(layers, says):
    with pytest.raises(PlanError, match=says):
        write(layers, "rys", 4)


@given(sequences, st.sampled_from([name for name in NAMES if name != "rys"]))
def test_any_sequence_there_and_back_is_itself(layers, dialect):
    text = write(layers, dialect, None, "org/model", "somewhere")
    assert guessed(text) in (dialect, "list")  # layers one by one are a list in several dialects
    assert read(text, dialect, DEPTH) == layers
    assert write(read(text, dialect, DEPTH), dialect, DEPTH, "org/model", "somewhere") == text


@given(paths())
def test_any_path_of_blocks_there_and_back_is_itself(layers):
    text = write(layers, "rys", DEPTH)
    assert guessed(text) == "rys"
    assert read(text, "rys", DEPTH) == layers


@given(paths(), st.permutations(NAMES))
def test_through_all_dialects_in_any_order_a_path_stays_itself(layers, dialects):
    there = layers
    for dialect in dialects:
        there = read(write(there, dialect, DEPTH, "m"), dialect, DEPTH)
    assert there == layers


@given(st.text(max_size=40), st.sampled_from(NAMES), st.none() | st.integers(1, 40))
def test_no_text_raises_anything_but_a_plan_error(text, dialect, depth):
    try:
        layers = read(text, dialect, depth)
    except PlanError:
        return
    assert layers


@cases(
    ("extra", "says"),
    [
        ("    parameters: {scale: 0.5}\n", "it scales tensors (line 3)"),
        ("parameters: {scale: [{filter: o_proj, value: 0.5}]}\n", "it scales tensors"),
        ("- sources:\n  - {model: other, layer_range: [0, 2]}\n", "2 models, m, other"),
        ("base_model: other\n", "2 models"),
        ("---\nname: m\nmerge_method: passthrough\nmodels: [{model: x}]\n", "1 earlier documents"),
    ],
)
def test_a_plan_that_says_more_than_layers_is_refused(extra, says):
    text = f"merge_method: passthrough\nslices:\n- sources:\n  - model: m\n    layer_range: [0, 4]\n{extra}"
    with pytest.raises(PlanError) as caught:
        layers_of(plan_of(text), None)
    assert says in str(caught.value)


def test_a_plan_with_an_error_is_refused_with_its_line():
    with pytest.raises(PlanError, match="line 1"):
        read("merge_method: passthrough\n", MERGEKIT, None)
