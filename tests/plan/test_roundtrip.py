"""Reading what was written gives what was there; and no text makes reading fail otherwise than with a problem."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.model import Plan, ScaleEntry, Slice, TokenizerWish
from engine.plan.syntax import parse, written
from tests.cases import cases
from tests.plan.edits.written_plans import plans as plan_texts
from tests.plan.test_documents import SCALES, documents
from tests.plan.test_importers import BAKLLAMA, LINEAR

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(
    lambda name: name.strip() and "+" not in name
)
FACTORS = st.floats(-10, 10, allow_subnormal=False)
VALUES = st.lists(FACTORS, min_size=1, max_size=3).map(tuple)
FILTERS = st.one_of(st.none(), NAMES.filter(lambda name: name != "*"))
LEVELS = st.one_of(
    st.tuples(st.builds(ScaleEntry, st.none(), VALUES)),
    st.lists(st.builds(ScaleEntry, FILTERS, VALUES), min_size=2, max_size=3).map(tuple),
    st.tuples(st.builds(ScaleEntry, NAMES.filter(lambda name: name != "*"), VALUES)),
)
SLICES = st.builds(Slice, NAMES, st.integers(-3, 99), st.integers(-3, 99), st.lists(LEVELS, max_size=2).map(tuple))
WHOLE = st.builds(Slice, NAMES, st.just(0), st.just(0), st.lists(LEVELS, max_size=1).map(tuple), is_whole=st.just(True))
DTYPES = st.sampled_from([None, "BF16", "F16", "F32"])
PLANS = st.builds(
    Plan,
    slices=st.one_of(st.lists(SLICES, min_size=1, max_size=4).map(tuple), st.tuples(WHOLE)),
    base_model=st.one_of(st.none(), NAMES),
    dtype=DTYPES,
    out_dtype=DTYPES,
    scale=st.one_of(st.just(()), LEVELS),
    tokenizer=st.one_of(st.none(), st.builds(TokenizerWish, source=st.sampled_from(["base", "union", "org/model"]))),
    name=st.one_of(st.none(), NAMES),
)


@given(PLANS)
def test_a_plan_that_was_written_reads_as_itself(plan):
    assert parse(written(plan)).plan == plan


@given(plan_texts())
def test_a_text_that_was_read_and_written_means_the_same(text):
    plan = parse(text).plan
    assert parse(written(plan)).plan == plan


@cases("inner", SCALES, ids=SCALES)
def test_documents_are_written_with_those_they_need(inner):
    plan = parse(documents(one=SCALES[inner][0], final=SCALES[inner][1])).plan
    again = parse(written(plan)).plan
    assert again == plan
    assert again.earlier == plan.earlier


TEXTS = (
    LINEAR,
    BAKLLAMA,
    documents(one=SCALES["both"][0], final=SCALES["both"][1]),
    "merge_method: passthrough\nmodules: {text_decoder: {slices: [{sources: [{model: A, layer_range: [0, 4]}]}]}}\n",
    "x: &x {model: A}\ny: &y [0, 4]\nmerge_method: passthrough\nslices: [{sources: [{<<: *x, layer_range: *y}]}]\n",
)
MARKS = "&*[]{}:,-#|>%@!'\"\n\r\t ?<=~.0\u2028\x85\ufeffé層"


@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 6), st.text(MARKS, max_size=3))))
def test_no_change_of_a_plans_text_makes_reading_fail(text, changes):
    for start, length, new in changes:
        start %= len(text) + 1
        text = text[:start] + new + text[start + length :]
    parsed = parse(text)
    assert parsed.plan is not None or parsed.problems
    assert all(problem.message and (problem.place is None or problem.place.line >= 1) for problem in parsed.problems)


@given(st.text(max_size=200))
def test_no_text_at_all_makes_reading_fail(text):
    parsed = parse(text)
    assert parsed.plan is not None or parsed.problems


@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
        ["slices", "sources", "model", "layer_range", "parameters", "scale", "filter", "value", "models", "modules",
         "base_model", "tokenizer", "tokenizer_source", "name", "dtype", "path", "layer_slices", "start", "end"]
    ), inner, max_size=4)),
    max_leaves=12,
))  # fmt: skip
def test_no_value_in_no_place_makes_reading_fail(value):
    for method in ("passthrough", "linear", None):
        root = {"merge_method": method, **value} if isinstance(value, dict) else value
        parsed = parse(yaml.safe_dump(root, allow_unicode=True))
        assert parsed.plan is not None or parsed.problems
