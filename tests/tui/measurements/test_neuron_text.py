"""Neurons as lines of a table: columns never touch, and lines never are wider than the table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dlec_tui.measurements.neurons import NeuronView, figure, header_line, neuron_line
from engine.store.neurons import NeuronOrder
from tests.tui.measured_store import neuron_row

FIGURES = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-8.674, "-8.67"),
        (0.000396, "3.96e-4"),
        (-0.000807, "-8.07e-4"),
        (12_345.6, "12,346"),
        (4e7, "4.00e7"),
        (float("nan"), ""),
    ],
)
def test_a_figure_has_three_digits_or_all_of_a_large_number(number: float, text: str) -> None:
    assert figure(number) == text


@given(FIGURES)
def test_a_figure_never_fills_its_column(number: float) -> None:
    assert len(figure(number)) <= 9


@given(FIGURES, FIGURES, st.sampled_from(NeuronOrder), st.sampled_from([56, 76, 90, 136]))
def test_columns_of_the_neuron_table_never_touch(peak: float, mean: float, order: NeuronOrder, width: int) -> None:
    neuron = replace(neuron_row(5, 7), peak=peak, mean=mean, count=1_048_576, neuron=53_247, peak_context="模型")
    view = NeuronView(order)
    line, header = neuron_line(neuron, view, width), header_line(view, width)
    variance, count = ["0.25"] * ("variance" in header), ["1,048,576"] * ("count" in header)
    *figures, context = line.split()
    assert figures == ["5", "53,247", figure(peak), figure(mean), *variance, "17.5", "%", *count]
    assert context == "模型" or (width < 60 and variance + count)
    assert {NeuronOrder.COUNT: count, NeuronOrder.VARIANCE: variance}.get(order, ["always"])
    assert max(cell_len(line), cell_len(header)) <= width
