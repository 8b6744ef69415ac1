"""What is not passthrough: recognised, named, and translated where it is a stack in other words."""

from engine.plan.check import applied
from engine.plan.problems import Severity
from engine.plan.syntax import parse
from tests.cases import cases

LINEAR = """\
# TheProfessor's shape: linear, so that a tokenizer can be chosen through a source of weight 0
merge_method: linear
parameters: {weight: 1.0}
slices:
- sources:
  - {model: A, layer_range: [0, 1]}
  - {model: B, layer_range: [0, 1], parameters: {weight: 0}}
- sources:
  - {model: A, layer_range: [1, 20]}
- sources:
  - {model: B, layer_range: [10, 30]}
dtype: float16
"""

BAKLLAMA = """\
layer_slices:
- {model: A, start: 0, end: 20}
- {model: B, start: 10, end: 30, scale: 0.5}
embedding_source: C
lm_head_source: B
"""


def ranges(plan):
    return [(slice_.model, slice_.start, slice_.end) for slice_ in plan.slices]


def only_error(text):
    parsed = parse(text)
    assert parsed.plan is None
    (error,) = (problem for problem in parsed.problems if problem.severity is Severity.ERROR)
    return error


def test_a_linear_stack_is_read_as_the_passthrough_that_it_is():
    parsed = parse(LINEAR)
    assert ranges(parsed.plan) == [("A", 0, 1), ("A", 1, 20), ("B", 10, 30)]
    assert not any(slice_.levels for slice_ in parsed.plan.slices)
    assert parsed.plan.scale == ()
    assert [(problem.rule, problem.severity, problem.place.line) for problem in parsed.problems] == [
        ("translated", Severity.NOTE, 2)
    ]


def test_a_weight_that_is_not_divided_by_itself_is_a_scale():
    text = LINEAR.replace("{weight: 1.0}", "{weight: 0.5, normalize: false}")
    assert [level[0].values for slice_ in parse(text).plan.slices for level in slice_.levels] == [(0.5,)] * 3


@cases(
    ("change", "says"),
    [
        (("weight: 0}", "weight: 0.3}"), "mixes A and B"),
        (("weight: 0}", "weight: [0, 1]}"), "different weights"),
        (("parameters: {weight: 1.0}", "parameters: {}"), "different weights"),
        (("weight: 1.0", "weight: 0"), "divide by 0"),
        (("weight: 0}", "weight: [{filter: mlp, value: 0}, {value: 1}]}"), "different weights"),
    ],
)
def test_a_linear_slice_that_mixes_is_refused_with_what_can_be_done(change, says):
    errors = [problem for problem in parse(LINEAR.replace(*change)).problems if problem.rule == "merge-method"]
    assert says in errors[0].message
    assert (errors[0].place.line, "mergekit" in errors[0].fix) == (6, True)


def test_a_weight_by_filters_that_all_say_the_same_is_one_weight():
    weight = "weight: [{filter: mlp, value: 0}, {filter: attn, value: 0}, {value: 0}]}"
    assert ranges(parse(LINEAR.replace("weight: 0}", weight)).plan)[0] == ("A", 0, 1)


def test_bakllamas_slices_are_read_with_their_donors_and_scales():
    parsed = parse(BAKLLAMA)
    assert ranges(parsed.plan) == [("C", 0, 0), ("A", 0, 20), ("B", 10, 30), ("B", 0, 0)]
    (scaled,) = (slice_ for slice_ in parsed.plan.slices if slice_.levels)
    assert [(entry.filter, entry.values) for entry in scaled.levels[0]] == [("down_proj", (0.5,))]
    assert {problem.severity for problem in parsed.problems} == {Severity.NOTE}


@cases("text", [LINEAR, BAKLLAMA, BAKLLAMA.replace("\n", "\r\n"), "# first\n" + BAKLLAMA + "# last\n"])
def test_a_translation_can_be_written_out_and_means_the_same(text):
    parsed = parse(text)
    change = parsed.problems[0].change
    assert not change.is_safe  # comments inside would be lost
    out = applied(text, [change])
    assert parse(out).plan == parsed.plan
    assert parse(out).problems == ()
    assert ("# first" in out, "# last" in out) == ("# first" in text, "# last" in text)


@cases(
    "change",
    [("start: 0, ", ""), ("start: 0", "start: x"), ("scale: 0.5", "scale: half"), ("{model: A", "{modle: A"),
     ("embedding_source: C", "embedding_source: [C]"), ("start: 0", "begin: 0")],
)  # fmt: skip
def test_a_broken_bakllama_file_is_told_where(change):
    errors = [problem for problem in parse(BAKLLAMA.replace(*change)).problems if problem.severity is Severity.ERROR]
    assert {problem.place.line for problem in errors} <= {2, 3, 4}
    assert errors


@cases(
    ("text", "says", "helps"),
    [
        ("merge_method: slerp\nmodels: [{model: A}, {model: B}]\n", "interpolates between two models", "mergekit"),
        ("merge_method: linear\nmodels: [{model: A}]\n", "averages models", "mergekit"),
        ("merge_method: dare_ties\nbase_model: A\n", "adds randomly pruned task vectors", "mergekit"),
        ("merge_method: alchemy\n", "unknown merge method", "slerp"),
        ("base_model: A\ngate_mode: hidden\nexperts: [{source_model: B}]\n", "mixture of experts", "mergekit-moe"),
        ("genome:\n  models: [A, B]\n  merge_method: ties\n", "mergekit-evolve", "dlec plan new dlec"),
    ],
)
def test_what_dlec_does_not_do_is_named_with_what_can_be_done(text, says, helps):
    error = only_error(text)
    assert says in error.message
    assert helps in error.fix
    assert error.place is not None
