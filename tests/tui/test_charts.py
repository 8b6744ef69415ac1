"""Curves as text."""

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlec_tui.charts import Curve, layer_curves

VALUES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))


def drawn(*curves: Curve, layers: int = 30, width: int = 80, height: int = 14) -> list[str]:
    return click.unstyle(layer_curves(curves, layers, width, height)).splitlines()


def curve(name: str, *values: float) -> Curve:
    return Curve(name, tuple(enumerate(values)))


@given(st.lists(VALUES, min_size=1, max_size=100), st.integers(24, 200), st.integers(6, 50))
@settings(max_examples=60, deadline=None)
def test_any_curve_fits_its_box(values: list[float], width: int, height: int) -> None:
    lines = drawn(curve("x", *values), layers=len(values), width=width, height=height)
    assert len(lines) == height
    assert all(len(line) <= width for line in lines[:-1])


def test_two_curves_have_an_axis_each_and_can_be_told_apart_without_colours() -> None:
    lines = drawn(curve("up", 1, 2, 3), curve("down", 300, 200, 100), layers=3)
    assert "1" in lines[-4]
    assert lines[1].rstrip().endswith("300")
    assert lines[-1] == "⠒⠒ up (left)   • down (right)"
    assert sum(line.count("•") for line in lines[:-1]) == 3


def test_values_far_apart_are_drawn_on_a_logarithmic_axis_and_negative_ones_never() -> None:
    assert curve("x", 0.01, 1).is_logarithmic
    assert not curve("x", 1, 2).is_logarithmic
    assert not curve("x", -1, 100).is_logarithmic


@pytest.mark.parametrize("layers", [1, 2, 7, 30, 126])
def test_first_and_last_layer_stand_under_the_axis(layers: int) -> None:
    labels = drawn(curve("x", *range(1, layers + 1)), layers=layers)[-2].split()
    assert (labels[0], labels[-1]) == ("0", str(layers - 1))
