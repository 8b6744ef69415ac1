"""What the parser promises: it never raises, says where, and reads what mergekit's users write."""

from hypothesis import given
from hypothesis import strategies as st

from engine.plan.model import ScaleEntry
from engine.plan.problems import Severity
from engine.plan.syntax import parse
from tests.cases import cases


def plan_with(body: str = "", *, top: str = "", layer_range: str = "[0, 4]"):
    """A one-slice plan; `body` is indented under its source."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        f"merge_method: passthrough\n{top}slices:\n- sources:\n  - model: A\n    layer_range: {layer_range}\n{indented}"
    )


def only_problem(text):
    (problem,) = parse(text).problems
    return problem


def only_slice(text):
    parsed = parse(text)
    assert parsed.problems == ()
    return parsed.plan.slices[0]


@cases("written", ["[0, 4]", '[0.0, "4"]', "\n    - 0\n    - 4"])
def test_a_range_is_read_as_mergekit_reads_it(written):
    assert (only_slice(plan_with(layer_range=written)).start, only_slice(plan_with(layer_range=written)).end) == (0, 4)


@cases("written", ["[0.5, 4]", "[0, 4, 8]", "[0]", "4", "[a, b]", "[true, 4]", "[.inf, 4]", "{a: 1}", "[0, 1e300]"])
def test_a_range_that_is_none_is_named_with_its_line(written):
    problem = parse(plan_with(layer_range=written)).problems[0]
    assert (problem.rule, problem.severity, problem.place.line) == ("layer-range", Severity.ERROR, 5)


SCALES = {
    "a number": ("scale: 0.5", [(None, (0.5,))]),
    "numeric text": ('scale: "0.5"', [(None, (0.5,))]),
    "a gradient": ("scale: [0, 1]", [(None, (0.0, 1.0))]),
    "filters": ("scale: [{filter: o_proj, value: 0}, {value: 1}]", [("o_proj", (0.0,)), (None, (1.0,))]),
    "a star": ('scale: [{filter: "*", value: 2}]', [(None, (2.0,))]),
    "a filtered gradient": ("scale: [{filter: o_proj, value: [1, 0]}]", [("o_proj", (1.0, 0.0))]),
}


@cases(("written", "meant"), SCALES.values(), ids=SCALES)
def test_every_form_of_scale_is_read(written, meant):
    (level,) = only_slice(plan_with(f"parameters:\n  {written}")).levels
    assert [(entry.filter, entry.values) for entry in level] == meant
    assert all(isinstance(entry, ScaleEntry) and entry.place.line == 7 for entry in level)


def test_a_filtered_scale_outside_a_list_is_read_with_a_warning_for_older_mergekit():
    parsed = parse(plan_with("parameters:\n  scale: {filter: o_proj, value: 0}"))
    (level,) = parsed.plan.slices[0].levels
    assert [(entry.filter, entry.values) for entry in level] == [("o_proj", (0.0,))]
    assert [(problem.rule, problem.severity) for problem in parsed.problems] == [("lone-filter", Severity.WARNING)]


@cases("written", ["{filter: o_proj}", "[]", "[{filter: o_proj}]", "abc", "[.nan]", "null", "[{value: [1, x]}]"])
def test_a_scale_that_is_none_is_named(written):
    parsed = parse(plan_with(f"parameters:\n  scale: {written}"))
    assert parsed.plan is None
    assert {problem.rule for problem in parsed.problems} - {"lone-filter"} == {"scale"}


@cases(
    ("text", "meant"),
    [
        (plan_with(top="paramters: {scale: 1}\n"), "parameters"),
        (plan_with(top="base_modle: B\n"), "base_model"),
        (plan_with("parameters:\n  scael: 1"), "scale"),
        (plan_with("layer_ranges: [0, 1]"), "layer_range"),
        (plan_with().replace("passthrough", "passthru"), "passthrough"),
    ],
)
def test_a_misspelt_word_is_an_error_that_names_the_nearest(text, meant):
    problem = only_problem(text)
    assert problem.severity is Severity.ERROR
    assert problem.fix == f"Did you mean `{meant}`?"


def test_a_key_like_none_is_a_warning_and_ignored():
    parsed = parse(plan_with(top="zebra: 1\n"))
    assert parsed.plan is not None
    assert (parsed.problems[0].severity, parsed.problems[0].place.line) == (Severity.WARNING, 2)


def test_anchors_merge_keys_and_repeated_dummy_keys_are_read_as_pyyaml_reads_them():
    text = """\
const: &A mymodel
const: &zero {scale: [{filter: o_proj, value: 0.0}]}
env: &env
  parameters: *zero
merge_method: passthrough
slices:
- sources:
  - <<: *env
    model: *A
    layer_range: [0, 1]
"""
    slice_ = only_slice(text)
    assert slice_.model == "mymodel"
    assert slice_.levels[0][0].filter == "o_proj"


def test_own_keys_win_over_merged_ones_and_earlier_merged_mappings_over_later_ones():
    text = "x: &x {model: B}\ny: &y {model: C, layer_range: [0, 9]}\n" + plan_with("<<: [*x, *y]")
    assert (only_slice(text).model, only_slice(text).end) == ("A", 4)
    merged = text.replace("model: A\n    layer_range: [0, 4]\n    ", "")
    assert (only_slice(merged).model, only_slice(merged).end) == ("B", 9)


def test_the_last_of_equal_keys_wins_and_the_other_is_told_of():
    parsed = parse(plan_with("model: C"))
    assert parsed.plan.slices[0].model == "C"
    (problem,) = parsed.problems
    assert (problem.rule, problem.severity, problem.place.line) == ("repeated-key", Severity.WARNING, 4)


def test_what_an_alias_stands_for_is_placed_where_it_is_used():
    text = "x: &x\n  scale: [{filter: o_proj, value: half}]\n" + plan_with("parameters: *x")
    place = only_problem(text).place
    assert (place.line, place.column) == (8, 17)
    assert (place.origin.line, place.origin.column) == (2, 35)


def test_what_stands_for_several_places_has_no_span_of_its_own():
    shared = "x: &x [0, 4]\n" + plan_with(layer_range="*x")
    assert only_slice(shared).range_span is None
    span = only_slice(plan_with()).range_span
    assert (span.start.line, span.start.column, span.end.column) == (5, 18, 24)


@cases(
    ("form", "slices"),
    [
        ("models: [{model: A}]", [("A", 0, 0, True)]),
        ("models:\n- model: {model: {path: A, revision: main}}\n  parameters: {scale: 2}", [("A@main", 0, 0, True)]),
        ("modules: {default: {models: [{model: A}]}}", [("A", 0, 0, True)]),
        (
            "modules:\n  vision_tower: {models: [{model: A}]}\n"
            "  text_decoder: {slices: [{sources: [{model: A, layer_range: [0, 2]}]}]}",
            [("A", 0, 2, False)],
        ),
    ],
)
def test_every_form_of_naming_layers_is_read(form, slices):
    parsed = parse(f"merge_method: passthrough\n{form}\n")
    assert parsed.problems == ()
    found = [(slice_.model, slice_.start, slice_.end, slice_.is_whole) for slice_ in parsed.plan.slices]
    assert found == slices


def test_a_modules_scale_is_asked_after_the_slices_and_before_the_plans():
    slices = "slices: [{sources: [{model: A, layer_range: [0, 2]}], parameters: {scale: 2}}]"
    module = f"{{{slices}, parameters: {{scale: 3}}}}"
    text = f"merge_method: passthrough\nparameters: {{scale: 5}}\nmodules: {{default: {module}}}\n"
    plan = parse(text).plan
    assert [level[0].values for level in plan.slices[0].levels] == [(2.0,), (3.0,)]
    assert plan.scale[0].values == (5.0,)


@cases(
    ("tower", "says"),
    [
        ("{models: [{model: B}]}", "must be that of A"),
        ("{slices: [{sources: [{model: A, layer_range: [2, 4]}]}]}", "copies it completely"),
        ("{models: [{model: A}], parameters: {scale: 0}}", "unscaled"),
        ("{}", "either `slices` or `models`"),
    ],
)
def test_a_tower_that_would_not_be_carried_along_is_refused(tower, says):
    slices = "{slices: [{sources: [{model: A, layer_range: [0, 2]}]}]}"
    text = f"merge_method: passthrough\nmodules: {{text_decoder: {slices}, vision_tower: {tower}}}\n"
    assert says in parse(text).problems[0].message


@cases(
    ("top", "severity", "says"),
    [
        ("tokenizer_source: base", None, ""),
        ("tokenizer_source: model:org/name", None, ""),
        ("tokenizer: {source: union, pad_to_multiple_of: 64}", None, ""),
        ("tokenizer_source:", None, ""),
        ("chat_template: auto", Severity.NOTE, "from base_model"),
        ("chat_template: chatml", Severity.ERROR, "does not write chat templates"),
        ("tokenizer: {tokens: {<s>: {source: A}}}", Severity.ERROR, "single tokens"),
        ("tokenizer: {pad_to_multiple_of: 0}", Severity.ERROR, "1 or more"),
        ("tokenizer_source: base\ntokenizer: {}", Severity.ERROR, "both"),
        ("tokenizer: [base]", Severity.ERROR, "mapping"),
    ],
)
def test_what_is_asked_of_the_tokenizer_is_read_or_refused_with_the_reason(top, severity, says):
    problems = parse(plan_with(top=f"{top}\n")).problems
    assert [problem.severity for problem in problems] == ([severity] if severity else [])
    assert all(says in problem.message for problem in problems)


@cases(
    ("text", "says"),
    [
        (plan_with().replace("- sources", "- base_model: B\n  sources"), "no effect on a stack"),
        (plan_with().replace("- sources", "- residual_weight: 0.5\n  sources"), "ignores it"),
        (plan_with().replace("model: A", "model: {model: A, override_architecture: X}"), "no effect"),
    ],
)
def test_keys_that_change_nothing_are_told_of(text, says):
    problem = only_problem(text)
    assert problem.rule == "no-effect"
    assert says in problem.message
    assert problem.severity is not Severity.ERROR


@cases("newline", ["\r\n", "\n"])
def test_comments_in_any_script_and_either_line_end(newline):
    text = plan_with().replace("slices:", "slices:  # 层を重ねる été").replace("\n", newline)
    assert only_slice(text).end == 4


BAD = {
    "empty": "",
    "only a comment": "# nothing",
    "a list": "- a",
    "text": "hello",
    "unclosed": "a: [",
    "a tab": "a:\n\t- b",
    "a control character": "a: \x00",
    "an unknown tag": "a: !!python/object/apply:os.system [ls]",
    "a false date": "a: 2001-99-99",
    "an anchor in itself": "x: &a [*a]",
    "deep": "[" * 100_000,
    "two documents without names": plan_with() + "---\n" + plan_with(),
    "an alias before its anchor": "a: *b\nb: &b 1",
    "an anchor twice": "a: &b 1\nb: &b 2",
    "a merge of a list": "<<: [1]",
    "a key that is a list": "[a]: 1",
    "slices and models": plan_with() + "models: [{model: A}]\n",
    "an undefined alias": "a: *b",
    "no slices": "merge_method: passthrough",
    "empty slices": "merge_method: passthrough\nslices: []",
    "two sources": plan_with().replace("  - model: A\n", "  - {model: B, layer_range: [0, 1]}\n  - model: A\n"),
    "a lora": plan_with().replace("model: A", "model: A+lora"),
    "another method": plan_with().replace("passthrough", "slerp"),
    "a dtype": plan_with(top="dtype: bfloat\n"),
    "two models": "merge_method: passthrough\nmodels: [{model: A}, {model: B}]",
    "no language model": "merge_method: passthrough\nmodules: {a: {}, b: {}}",
}


@cases("text", BAD.values(), ids=BAD)
def test_what_cannot_be_a_plan_has_an_error_with_a_place(text):
    parsed = parse(text)
    assert parsed.plan is None
    errors = [problem for problem in parsed.problems if problem.severity is Severity.ERROR]
    assert errors
    assert all(problem.place is not None and problem.message for problem in errors)


def test_a_yaml_bomb_is_refused_in_little_time_and_memory():
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
    assert "100,000" in only_problem(f"a0: &a0 [1]\n{levels}").message


def test_anchors_that_nest_deeper_than_any_plan_are_refused():
    chain = "".join(f"  - &k{n} {{<<: *k{n - 1}}}\n" for n in range(1, 300))
    assert "40 deep" in only_problem(f"z:\n  - &k0 {{a: 1}}\n{chain}<<: *k299\n").message


def test_text_over_the_limit_is_refused_unread():
    assert "2,000,000" in only_problem("#" * 2_000_001).message


@given(st.text(max_size=200))
def test_arbitrary_text_never_raises(text):
    parsed = parse(text)
    assert parsed.plan is not None or parsed.problems


pieces = st.sampled_from(
    ["merge_method: passthrough\n", "slices:\n", "- sources:\n", "  - model: A\n", "    layer_range: [0, 4]\n",
     "    parameters:\n", "      scale: ", "[", "]", "{", "}", "0.5\n", "&a ", "*a\n", "<<: ", "- ", ": ", "\n", "  "]
)  # fmt: skip


@given(st.lists(pieces, max_size=25))
def test_shuffled_pieces_of_plans_never_raise(parts):
    parsed = parse("".join(parts))
    assert parsed.plan is not None or parsed.problems
