"""Rules are switched off by their id, for a plan or for all of them, and never silently the wrong one."""

from engine.plan.check import check_plan
from engine.plan.rules import CheckContext, enabled
from tests.cases import cases
from tests.plan.rules.conftest import plan_of

PRUNED = plan_of(("32", 0, 20), ("32", 25, 32))


def rules_left(workbench, text, *off):
    problems = check_plan(text, workbench.open, CheckContext(off=off)).problems
    return [(problem.rule, problem.place and problem.place.line) for problem in problems]


def test_without_a_switch_everything_is_on(workbench):
    assert rules_left(workbench, PRUNED) == [("unused-layer", 5)]


@cases(
    "text",
    [
        f"# dlec: off unused-layer\n{PRUNED}",
        f"{PRUNED}#dlec: off first-slice,unused-layer",
        PRUNED.replace("[25, 32]", "[25, 32]  # pruned  # dlec: off: unused-layer # really"),
    ],
)
def test_a_comment_anywhere_in_the_plan_switches_off(workbench, text):
    assert rules_left(workbench, text) == []


def test_the_configuration_switches_off(workbench):
    assert rules_left(workbench, PRUNED, "unused-layer", "unknown-key") == []


def test_an_id_that_is_no_rule_is_a_problem_at_its_place(workbench):
    text = f"{PRUNED}# dlec: off last-slice, unused-layers\n"
    problem = check_plan(text, workbench.open).problems[-1]
    assert (problem.rule, problem.place.line, problem.place.column) == ("rules-off", 9, 25)
    assert problem.message == "unknown rule `unused-layers`"
    assert problem.fix == "Did you mean `unused-layer`?"


def test_an_id_in_the_configuration_that_is_no_rule_names_the_configuration():
    problems = enabled([], PRUNED, CheckContext(off=("nonsense",)))
    assert [problem.message for problem in problems] == ["[rules] off in config.toml: unknown rule `nonsense`"]


def test_an_error_stays_on_and_says_so(workbench):
    text = "# dlec: off layer-range\n" + plan_of(("32", 0, 33))
    assert rules_left(workbench, text) == [("rules-off", 1), ("layer-range", 6)]


@cases(
    "holder",
    ['title: "a # dlec: off unused-layer"', "title: |\n  # dlec: off unused-layer", "title: a#dlec:off unused-layer"],
)
def test_what_only_looks_like_a_comment_switches_nothing_off(workbench, holder):
    assert ("unused-layer", 5) in [
        (rule, line and line - holder.count("\n") - 1) for rule, line in rules_left(workbench, f"{holder}\n{PRUNED}")
    ]
