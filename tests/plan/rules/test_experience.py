"""What experience speaks against is said with its arithmetic; plans that are fine by their own method stay quiet."""

from tests.cases import cases
from tests.plan.rules.conftest import INERT

WESTLAKE = [(0, 9), (5, 14), (10, 19), (15, 24), (20, 32)]

FIRING = {
    "a last slice of 5": (32, [(0, 20), (10, 30), (27, 32)], ("last-slice", "shorter than 6 (6/32 x 32)")),
    "a last slice of 7": (32, [(0, 20), (10, 30), (25, 32)], ("last-slice", "shorter than 8 (8/32 x 32)")),
    "a last slice of 14 in 80": (80, [(0, 40), (20, 70), (66, 80)], ("last-slice", "shorter than 15 (6/32 x 80)")),
    "a last slice of 19 in 80": (80, [(0, 40), (20, 70), (61, 80)], ("last-slice", "shorter than 20 (8/32 x 80)")),
    "a first slice of 6": (32, [(0, 6), (3, 32)], ("first-slice", "at least 8 (32/4)")),
    "a first slice of 9 in 48": (48, [(0, 9), (5, 48)], ("first-slice", "at least 10 (4 + 48/8)")),
    "a jump of 2": (32, [(0, 12), (10, 22), (20, 32)], ("jumps", "12 - 10 = 2 layers (also at 1 more)")),
    "a jump of 10 in 16": (32, [(0, 16), (6, 22), (12, 32)], ("jumps", "(16 layers / 2 = 8)")),
    "three visits": (32, [(0, 12), (4, 16), (8, 32)], ("repeats", "8 occurs 3 times (also 9 to 11)")),
    "a smaller last slice": (32, [(0, 10), (5, 18), (12, 26), (20, 32)], ("slice-sizes", "12 layers, fewer")),
    "smaller and smaller": (32, [(0, 10), (4, 16), (10, 20), (15, 23), (18, 32)], ("slice-sizes", "12, 10, 8")),
    "the first two layers": (32, [(0, 2), (0, 32)], ("edge-layers", "layers 0 and 1 are repeated")),
    "the last layer": (32, [(0, 32), (31, 32)], ("edge-layers", "layer 31 is repeated")),
    "the last layer left out": (56, [(0, 41), (19, 55)], ("unused-layer", "55 of 56, the last layer, is not used")),
    "layers left out": (32, [(0, 20), (25, 32)], ("unused-layer", "layers 20 to 24 of 32 are not used")),
    "the first ones left out": (32, [(3, 32)], ("unused-layer", "layers 0 to 2 of 32 are not used")),
}  # fmt: skip

QUIET = {
    "the plan as it is": (32, [(0, 32)]),
    "cut into pieces": (32, [(0, 5), (5, 30), (30, 32)]),
    "WestLake's winner": (32, WESTLAKE),
    "one block once more": (32, [(0, 14), (11, 32)]),
    "a block of two layers": (32, [(0, 14), (12, 32)]),
    "one layer doubled in place": (32, [(0, 15), (14, 32)]),
    "every layer doubled between 8 and N - 8": (32, [(0, 9), *((n - 1, n + 1) for n in range(9, 24)), (23, 32)]),
    "SOLAR": (32, [(0, 24), (8, 32)]),
    "slices that grow": (32, [(0, 8), (5, 13), (9, 19), (14, 32)]),
    "seven slices of a 70B": (80, [(start, start + 20) for start in range(0, 61, 10)]),
    "a tiny model": (6, [(0, 4), (2, 6)]),
}


@cases(("depth", "spans", "expected"), FIRING.values(), ids=FIRING)
def test_a_plan_that_experience_speaks_against_is_told_why(workbench, ranges, depth, spans, expected):
    rule, says = expected
    assert says in workbench.found(*ranges(depth, *spans))[rule]


@cases(("depth", "spans"), QUIET.values(), ids=QUIET)
def test_a_plan_that_is_fine_by_its_own_method_stays_quiet(workbench, ranges, depth, spans):
    assert workbench.check(*ranges(depth, *spans)).problems == ()


@cases(
    "slices",
    [
        [("32", 0, 32), *[("32", 31, 32, INERT)] * 8],
        [each for end in range(4, 33, 4) for each in (("32", end - 4, end), ("32", end - 1, end, INERT))],
        [("32", 0, 24), ("32", 8, 24, INERT), ("32", 8, 24, INERT), ("32", 24, 32)],
        [("32", 0, 2), ("32", 0, 2, INERT), ("32", 0, 2, INERT), ("32", 2, 32)],
    ],
    ids=["at the end", "llama-pro", "zeroed middle", "the first layers"],
)
def test_inert_copies_give_no_warning_wherever_they_stand(workbench, slices):
    assert workbench.check(*slices).problems == ()


def test_the_place_is_that_of_the_slice_in_question(workbench, ranges):
    (problem,) = workbench.check(*ranges(32, (0, 20), (10, 30), (27, 32))).problems[:1]
    assert (problem.rule, problem.place.line, problem.fix) == ("last-slice", 11, "Start it at layer 24 or below.")


def test_a_layer_that_another_model_gives_is_not_unused(workbench):
    assert workbench.found(("32", 0, 16), ("32b", 16, 32)) == {}


def test_inert_visits_are_not_counted_among_the_repeats(workbench):
    found = workbench.found(*[("32", 0, 32)], *[("32", 8, 32)] * 2, ("32", 8, 9, INERT))
    assert found["repeats"].startswith("layer 8 occurs 3 times (also 9 to 31);")
