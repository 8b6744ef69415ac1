"""A bad plan gets problems with their lines and fixes; a plan with errors has no stack."""

import json
from pathlib import Path

import pytest

from engine.checkpoint.find import opener
from engine.errors import PlanError
from engine.plan.check import check_plan
from engine.plan.edits import duplicate_slice, slices_of
from engine.plan.problems import Severity
from engine.plan.syntax.tree import read_trees
from tests.cases import cases
from tests.tiny import write_llama

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    variants = {
        "A": {},
        "B": {"seed": 1},
        "WIDE": {"hidden": 16, "config": {"hidden_size": 16}},
        "VOCAB": {"vocab": 32},
        "QWEN": {"config": {"model_type": "qwen2"}},
        "ROPE": {"config": {"rope_theta": 500000.0}},
        "TIED": {"tied": True},
        "HALF": {"dtype": "F16"},
        "NEW": {"config": {"model_type": "brandnew"}},
        "MORE": {"config": {"num_hidden_layers": 3}},
    }
    return {name: str(write_llama(root / name, layers=4, **options)) for name, options in variants.items()}


def check(models, *slices, **top):
    """Slices as (name, start, end) or (name, start, end, scale text)."""
    lines = [
        "merge_method: passthrough",
        *(f"{key}: {models.get(value, value)}" for key, value in top.items()),
        "slices:",
    ]
    for name, start, end, *scale in slices:
        lines += ["- sources:", f"  - model: {models.get(name, name)}", f"    layer_range: [{start}, {end}]"]
        lines += [f"    parameters: {{scale: {scale[0]}}}"] if scale else []
    return check_plan("\n".join(lines), opener())


def found(checked):
    return {(problem.rule, problem.severity) for problem in checked.problems}


def test_a_sound_plan_has_no_problem(models):
    checked = check(models, ("A", 0, 3), ("A", 2, 4))
    assert checked.problems == ()
    assert len(checked.stack.visits) == 5


def test_a_plan_with_errors_is_refused_with_the_first_of_them(models):
    checked = check(models, *[("A", 0, 9)] * 5)
    with pytest.raises(
        PlanError, match=r"plan.yaml cannot be run: line 5: .*the checkpoint has 4.*; and 2 more"
    ) as raised:
        checked.require_stack("plan.yaml")
    assert raised.value.fix.startswith("End it at 4")
    assert raised.value.where["line"] == 5


def test_a_plan_without_errors_gives_its_stack(models):
    checked = check(models, ("A", 0, 4))
    assert checked.require_stack() is checked.stack


def test_a_text_is_parsed_once_for_its_check_its_list_of_slices_and_an_edit(models):
    checked = check(models, ("A", 0, 3), ("A", 2, 4))
    misses = read_trees.cache_info().misses
    slices_of(checked.text)
    duplicate_slice(checked.text, 0)
    assert read_trees.cache_info().misses - misses <= 1  # the result of the edit is read once


FINDINGS = {
    "past the end": ([("A", 0, 5)], "layer-range", ERROR, "the checkpoint has 4"),
    "negative": ([("A", -1, 4)], "layer-range", ERROR, "negative"),
    "reversed": ([("A", 3, 1)], "layer-range", ERROR, "reversed"),
    "empty between": ([("A", 0, 2), ("A", 2, 2), ("A", 2, 4)], "empty-slice", WARNING, "gives no layer"),
    "empty at the end": ([("A", 0, 4), ("B", 0, 0)], "empty-slice", NOTE, "only the final norm and head"),
    "nothing at all": ([("A", 0, 0)], "empty-slice", ERROR, "no layers"),
    "three visits": ([("A", 0, 3), ("A", 1, 3), ("A", 1, 4)], "repeats", WARNING, "layer 1 occurs 3 times"),
    "another width": ([("A", 0, 2), ("WIDE", 2, 4)], "architecture", ERROR, "`hidden_size` is 16"),
    "another family": ([("A", 0, 2), ("QWEN", 2, 4)], "architecture", ERROR, "has model type qwen2"),
    "another rope": ([("A", 0, 2), ("ROPE", 2, 4)], "architecture", WARNING, "`rope_theta`"),
    "another vocabulary": ([("A", 0, 2), ("VOCAB", 2, 4)], "donors", ERROR, "has 32 rows"),
    "tied and untied": ([("TIED", 0, 2), ("A", 2, 4)], "donors", NOTE, "does not tie"),
    "a pattern": ([("A", 0, 4, '[{filter: "o_proj|down_proj", value: 0}]')], "filters", WARNING, "matches no tensor"),
    "shadowed": ([("A", 0, 4, "[{value: 1}, {filter: o_proj, value: 0}]")], "filters", WARNING, "has no effect"),
    "embeddings too": ([("A", 0, 4, "0.5")], "scale-reach", WARNING, "model.embed_tokens.weight"),
    "more layers": ([("MORE", 0, 3)], "layer-count", ERROR, "says 3 layers, but the weights have 4"),
    "two dtypes": ([("A", 0, 2), ("HALF", 2, 4)], "dtypes", ERROR, "F32 and F16"),
    "a family unheard of": ([("NEW", 0, 4)], "known-family", WARNING, "`brandnew`"),
    "not there": ([("no/such/model/here", 0, 4)], "checkpoint", ERROR, "does not exist"),
}  # fmt: skip


@cases(("slices", "rule", "severity", "says"), FINDINGS.values(), ids=FINDINGS)
def test_a_defect_is_found_with_its_place(models, slices, rule, severity, says):
    checked = check(models, *slices)
    problem = next(problem for problem in checked.problems if (problem.rule, problem.severity) == (rule, severity))
    assert says in problem.message
    assert problem.place.line >= 3
    assert checked.ok is (ERROR not in {each.severity for each in checked.problems})


def test_a_mixed_head_is_only_mentioned_when_it_changes_the_config(models):
    tied_all_along = check(models, ("TIED", 0, 3), ("TIED", 2, 4))
    assert tied_all_along.problems == ()


def test_inert_copies_may_occur_often(models):
    zero = "[{filter: o_proj, value: 0}, {filter: down_proj, value: 0}]"
    checked = check(models, ("A", 0, 4), ("A", 3, 4, zero), ("A", 3, 4, zero), ("A", 3, 4, zero))
    assert ("repeats", WARNING) not in found(checked)


def test_every_problem_is_listed_at_once(models):
    assert len(check(models, ("A", 0, 9), ("B", 3, 1), ("A", -2, 1)).problems) == 3


def test_problems_come_in_the_order_of_their_lines(models):
    places = [problem.place for problem in check(models, ("A", 0, 9), ("B", 3, 1)).problems]
    assert [place.line for place in places] == sorted(place.line for place in places)


SHARED = """\
x: &x {scale: [{filter: nowhere, value: 0}]}
merge_method: passthrough
slices:
- sources: [{model: A, layer_range: [0, 2], parameters: *x}]
- sources: [{model: A, layer_range: [2, 3], parameters: *x}]
- sources: [{model: A, layer_range: [3, 4], parameters: *x}]
"""


def test_what_is_wrong_behind_an_alias_is_told_once_where_it_is_used_first(models):
    checked = check_plan(SHARED.replace("A", models["A"]), opener())
    (problem,) = [problem for problem in checked.problems if problem.rule == "filters"]
    assert (problem.place.line, problem.place.column) == (
        4,
        SHARED.splitlines()[3].index("*x") + 1 + len(models["A"]) - 1,
    )
    assert problem.message.endswith("(an alias of line 1, also used 2 more times)")


@pytest.fixture(scope="module")
def tokenizers(models):
    """A and B have one vocabulary, in files that differ; HALF has another."""
    for name, tokens in {"A": "ab", "B": "ab", "HALF": "ba"}.items():
        vocabulary = {token: number for number, token in enumerate(tokens)}
        tokenizer = {"model": {"vocab": vocabulary}, "added_tokens": []}
        Path(models[name], "tokenizer.json").write_text(json.dumps(tokenizer, indent=1 if name == "B" else None))
    yield models
    for name in ("A", "B", "HALF"):
        Path(models[name], "tokenizer.json").unlink()


@cases(
    ("source", "last", "is_granted"),
    [("base", "A", True), ("union", "B", True), ("base", "HALF", False), ("union", "HALF", False), ("HALF", "A", False),
     ("B", "A", True)],
)  # fmt: skip
def test_a_tokenizer_is_granted_where_no_row_would_have_to_move(tokenizers, source, last, is_granted):
    checked = check(tokenizers, ("A", 0, 2), (last, 2, 4), tokenizer_source=source)
    told = [problem for problem in checked.problems if problem.rule == "tokenizer"]
    assert bool(told) is not is_granted
    assert all(problem.place.line == 2 and "rows would have to be moved" in problem.message for problem in told)


def test_a_tokenizer_that_is_nowhere_is_told_of_at_its_place(models):
    problem = check(models, ("A", 0, 4), tokenizer_source="no/such/model/here").problems[0]
    assert (problem.rule, problem.place.line) == ("checkpoint", 2)
