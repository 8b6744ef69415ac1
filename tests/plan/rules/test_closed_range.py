"""Plans written as if the ends of their ranges were included are caught, and the meant plan is offered."""

from tests.plan.rules.conftest import INERT


def interleaved():
    """Tunguska's proposal: after each of the layers 19 to 40 two zeroed copies of it, ends included."""
    copies = [each for n in range(19, 41) for each in (("56", n, n), ("56", n, n, INERT), ("56", n, n, INERT))]
    return [("56", 0, 18), *copies, ("56", 41, 54)]


def problem_of(checked, rule):
    return next(problem for problem in checked.problems if problem.rule == rule)


def test_tunguskas_proposal_is_caught_and_the_meant_plan_offered(workbench):
    problem = problem_of(workbench.check(*interleaved()), "closed-range")
    assert "66 of 68 slices give no layer; layers 18, 19, 20, 21, 22, 23, ... are not used" in problem.message
    ranges = "[0, 19], [19, 20], [19, 20], [19, 20], [20, 21], ..., [41, 55]"
    assert problem.fix == f"If the ends are meant to be inclusive, write {ranges}."


def test_what_is_missing_even_as_meant_is_said_too(workbench):
    found = workbench.found(*interleaved())
    assert found["unused-layer"].startswith("layer 55 of 56, the last layer, is not used")
    assert set(found) == {"closed-range", "unused-layer"}


def test_the_meant_plan_is_quiet(workbench):
    slices = interleaved()
    meant = [(name, start, end + 1, *scale) for name, start, end, *scale in [*slices[:-1], ("56", 41, 55)]]
    assert workbench.found(*meant) == {}


def test_neighbours_that_never_touch_are_caught(workbench, ranges):
    found = workbench.found(*ranges(32, (0, 15), (16, 31)))
    assert found == {"closed-range": "the ends look inclusive, but they are exclusive: layer 15 is not used"}


def test_a_plan_that_reaches_the_end_was_not_written_so(workbench, ranges):
    assert "closed-range" not in workbench.found(*ranges(32, (0, 8), (8, 8), (8, 32)))
    assert "closed-range" not in workbench.found(*ranges(32, (0, 20), (25, 32)))


def test_the_published_plan_with_half_open_ranges_is_not_suspected(workbench):
    zeroed = ("56", 19, 41, INERT)
    found = workbench.found(("56", 0, 41), zeroed, zeroed, ("56", 41, 55))
    assert set(found) == {"unused-layer"}
