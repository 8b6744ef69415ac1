"""Sets of plans for property tests: slices of a short base, so that they share prefixes as real ones do."""

from hypothesis import strategies as st

from engine.inference.wavefront.visits import Step, Visits

LAYERS = 6


def plan_sets() -> st.SearchStrategy[list[Visits]]:
    slices = st.tuples(st.integers(0, LAYERS - 1), st.integers(1, LAYERS), st.sampled_from([1.0, 1.0, 0.5])).map(_slice)
    return st.lists(st.lists(slices, min_size=1, max_size=3).map(_joined).filter(bool), max_size=6)


def _slice(drawn: tuple[int, int, float]) -> Visits:
    start, length, scale = drawn
    return tuple(Step(layer, scale) for layer in range(start, min(start + length, LAYERS)))


def _joined(slices: list[Visits]) -> Visits:
    return tuple(step for each in slices for step in each)
