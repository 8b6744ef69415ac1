"""Neurons are found by every figure and by their text, in any order."""

from contextlib import closing
from pathlib import Path

import pytest

from engine.store.database import open_for_reading, open_for_writing
from engine.store.neurons import (
    Between,
    Column,
    Condition,
    NeuronOrder,
    NeuronStatistics,
    PeaksAt,
    first_of_layer,
    matching_neurons,
    neurons_at,
)
from engine.store.profiles import save_profile
from tests.store.rows import KEY, OTHER_KEY, neuron_rows, profile_rows

NEURONS = tuple(neuron_rows())


@pytest.fixture
def reader(tmp_path: Path):
    with closing(open_for_writing(tmp_path / "dlec.sqlite")) as db:
        save_profile(db, OTHER_KEY, profile_rows())
        save_profile(db, KEY, profile_rows())
    with closing(open_for_reading(tmp_path / "dlec.sqlite")) as connection:
        yield connection


def is_met(condition: Condition, neuron: NeuronStatistics) -> bool:
    if isinstance(condition, PeaksAt):
        return condition.words.lower() in neuron.peak_context.lower()
    figure = abs(neuron.peak) if condition.column is Column.PEAK else getattr(neuron, condition.column)
    return (condition.low is None or figure >= condition.low) and (condition.high is None or figure <= condition.high)


@pytest.mark.parametrize(
    "conditions",
    [
        [],
        [Between(Column.LAYER, 1, 2)],
        [Between(Column.PEAK, 1.5, None), Between(Column.SHARE_ACTIVE, None, 0.5)],
        [PeaksAt("TEXT AT 2,")],
        [Between(Column.COUNT, 1, 1), PeaksAt("at 1")],
        [Between(Column.MEAN, 0.4, 0.45)],
    ],
)
def test_exactly_the_neurons_that_meet_all_conditions_are_found(reader, conditions: list[Condition]) -> None:
    wanted = [neuron for neuron in NEURONS if all(is_met(condition, neuron) for condition in conditions)]
    assert neurons_at(reader, KEY, matching_neurons(reader, KEY, conditions)) == tuple(wanted)


def test_they_come_in_the_order_that_is_asked_for(reader) -> None:
    ids = matching_neurons(reader, KEY, [Between(Column.LAYER, 1, 3)], NeuronOrder.PEAK, descending=True)
    peaks = [abs(neuron.peak) for neuron in neurons_at(reader, KEY, ids)]
    assert len(peaks) == 30
    assert peaks == sorted(peaks, reverse=True)


def test_a_layer_begins_where_its_first_neuron_stands(reader) -> None:
    assert [first_of_layer(reader, KEY, layer) for layer in (0, 3, 4)] == [0, 30, None]
