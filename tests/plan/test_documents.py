"""Several documents in one text: earlier ones are stacked in the mind, never on disk, and mean what they would mean
if they had been written."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.plan.problems import Severity
from engine.tasks.merge import MergeOptions, merge
from tests.cases import cases
from tests.plan.plans import checked_plan, donors, layer_map, plan_of, stack_of, write_models


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("models"), {"A": {}, "B": {}, "C": {"tied": True}})


def documents(**named):
    """Texts of documents; the one called `final` has no name."""
    return "---\n".join(text if name == "final" else f"name: {name}\n{text}" for name, text in named.items())


INNER = plan_of(("A", 0, 3), ("B", 1, 4))


def test_an_earlier_document_is_a_model_of_its_layers(models):
    stack = stack_of(models, documents(grown=INNER, final=plan_of(("grown", 0, 4), ("grown", 2, 6))))
    assert layer_map(models, stack) == "A0 A1 A2 B1 A2 B1 B2 B3"
    assert donors(models, stack) == "ABA"


def test_a_document_whose_ends_its_layers_give_needs_no_slices_for_them(models):
    checked = checked_plan(models, documents(one=plan_of(("A", 0, 3), ("A", 1, 4)), final=plan_of(("one", 0, 6))))
    assert "empty-slice" not in {problem.rule for problem in checked.problems}


def test_donors_are_those_of_the_earlier_document(models):
    inner = plan_of(("B", 0, 0), ("A", 0, 4), base_model="B")
    stack = stack_of(models, documents(mixed=inner, final=plan_of(("mixed", 2, 4), ("A", 3, 4))))
    assert layer_map(models, stack) == "A2 A3 A3"
    assert donors(models, stack) == "BAB"


def test_an_earlier_document_may_be_base_model_only(models):
    inner = plan_of(("A", 0, 4), base_model="B")
    stack = stack_of(models, documents(mixed=inner, final=plan_of(("A", 0, 4), base_model="mixed")))
    assert donors(models, stack) == "AAB"


def test_documents_may_come_in_any_order_and_build_on_each_other(models):
    text = documents(final=plan_of(("two", 1, 4)), two=plan_of(("one", 0, 2), ("one", 0, 2)), one=plan_of(("A", 1, 3)))
    assert layer_map(models, stack_of(models, text)) == "A2 A1 A2"


def test_the_models_form_takes_all_of_an_earlier_document(models):
    text = documents(grown=INNER, final="merge_method: passthrough\nmodels: [{model: grown}]\n")
    assert layer_map(models, stack_of(models, text)) == "A0 A1 A2 B1 B2 B3"


SCALES = {
    "inside": (plan_of(("A", 0, 3, "[{filter: o_proj, value: [0.25, 1]}]"), ("B", 1, 4)), plan_of(("one", 1, 5))),
    "outside": (INNER, plan_of(("one", 1, 5, "[{filter: layers.3., value: [0.5, 1]}, {filter: mlp, value: 2}]"))),
    "both": (
        plan_of(("A", 0, 3, "[{filter: o_proj, value: 0.5}]"), ("B", 1, 4), parameters="{scale: 2}"),
        plan_of(("one", 0, 5, "[{filter: layers.3., value: [0.5, 1]}]"), ("A", 3, 4), parameters="{scale: 4}"),
    ),
    "ends": (plan_of(("A", 0, 2, "0.5"), ("B", 2, 4)), plan_of(("one", 1, 3, "4"), ("one", 3, 4))),
}


@pytest.mark.parametrize(("inner", "outer"), SCALES.values(), ids=SCALES)
def test_the_model_is_the_one_that_two_merges_would_give(models, inner, outer, tmp_path):
    """Factors are powers of 2 or 1, so that rounding twice is rounding once; a gradient's middle may differ."""
    once = merged(models, documents(one=inner, final=outer), tmp_path / "once")
    merged(models, inner, tmp_path / "one")
    twice = merged({**models, "one": str(tmp_path / "one")}, outer, tmp_path / "twice")
    assert once.keys() == twice.keys()
    for name, tensor in once.items():
        torch.testing.assert_close(tensor, twice[name], rtol=1e-6, atol=0, msg=name)


def merged(models, text, out: Path):
    merge(stack_of(models, text), text, out, MergeOptions(load_check=False))
    return load_file(out / "model.safetensors")


PROBLEMS = {
    "past its end": (documents(one=INNER, final=plan_of(("one", 0, 7))), "layer-range", 15, "has 6 layers"),
    "inside the earlier one": (
        documents(one=plan_of(("A", 0, 9)), final=plan_of(("one", 0, 1))), "layer-range", 6, "the checkpoint has 4"
    ),
    "a circle": (
        documents(one=plan_of(("two", 0, 1)), two=plan_of(("one", 0, 1)), final=plan_of(("one", 0, 1))),
        "documents", 1, "cycle",
    ),
    "itself": (documents(one=plan_of(("one", 0, 1)), final=plan_of(("one", 0, 1))), "documents", 1, "one -> one"),
    "one name twice": ("---\n".join([f"name: one\n{INNER}"] * 2) + f"---\n{INNER}", "documents", 11, "is also named"),
    "two final ones": (f"{INNER}---\n{INNER}", "documents", 10, "2 documents have no name"),
    "no final one": (documents(one=INNER, two=INNER), "documents", 11, "every document has a name"),
    "another method": (
        documents(one="merge_method: slerp\n", final=plan_of(("one", 0, 1))), "merge-method", 2, "interpolates"
    ),
}  # fmt: skip


@cases(("text", "rule", "line", "says"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_does_not_fit_together_is_an_error_at_its_line(models, text, rule, line, says):
    checked = checked_plan(models, text)
    assert not checked.ok
    problem = next(problem for problem in checked.problems if problem.rule == rule)
    assert says in problem.message
    assert (problem.severity, problem.place.line) == (Severity.ERROR, line)


def test_what_nobody_uses_and_casts_that_are_not_made_are_told(models):
    inner = plan_of(("A", 0, 4), dtype="bfloat16")
    checked = checked_plan(models, documents(one=inner, two=INNER, final=plan_of(("one", 0, 4))))
    told = [problem for problem in checked.problems if problem.rule == "documents"]
    assert [problem.severity for problem in told] == [Severity.WARNING] * 2
    assert checked.ok


def test_an_anchor_holds_for_its_document_only(models):
    text = documents(one=plan_of(("&m A", 0, 4)), final=plan_of(("*m", 0, 1)))
    assert "refers to nothing" in checked_plan(models, text).problems[0].message


def test_empty_documents_count_for_nothing(models):
    assert layer_map(models, stack_of(models, f"---\n---\n{INNER}---\n# nothing\n")) == "A0 A1 A2 B1 B2 B3"
