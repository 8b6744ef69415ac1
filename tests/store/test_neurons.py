"""What the neuron table promises: any page in any order, the same as sorting all of it, from a small file."""

import math
from dataclasses import replace
from itertools import islice

import pytest

from engine.store.database import connection_of, open_for_reading, open_for_writing
from engine.store.neurons import NeuronOrder, NeuronStatistics, count_neurons, neuron_page
from engine.store.profiles import save_profile
from tests.store.rows import KEY, OTHER_KEY, neuron_rows, profile_rows

SORTED_BY = {
    NeuronOrder.LAYER: lambda row: (row.layer, row.neuron),
    NeuronOrder.COUNT: lambda row: row.count,
    NeuronOrder.MEAN: lambda row: row.mean,
    NeuronOrder.VARIANCE: lambda row: row.variance,
    NeuronOrder.PEAK: lambda row: abs(row.peak),
    NeuronOrder.SHARE_ACTIVE: lambda row: row.share_active,
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A store with two profiles, so that one could be mistaken for the other."""
    path = tmp_path_factory.mktemp("neurons") / "dlec.sqlite"
    db = open_for_writing(path)
    save_profile(db, OTHER_KEY, profile_rows(layers=7))
    save_profile(db, KEY, profile_rows())
    db.close()
    return open_for_reading(path)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", NeuronOrder)
@pytest.mark.parametrize("offset", [0, 7, 33, 40, 99])
def test_a_page_is_a_part_of_the_whole_table_sorted(reader, order, descending, offset):
    expected = sorted(neuron_rows(), key=SORTED_BY[order])
    if descending:
        expected.reverse()
    page = neuron_page(reader, KEY, order, descending=descending, offset=offset, limit=10)
    assert page == tuple(expected[offset : offset + 10])


def test_the_neurons_of_all_layers_are_counted(reader):
    assert count_neurons(reader, KEY) == 40


def test_neurons_that_saw_no_token_come_first(db):
    unseen = NeuronStatistics(0, 0, 0, math.nan, math.nan, 0.0, -1, -1, "", 0.0)
    seen = [replace(row, neuron=row.neuron + 1) for row in neuron_rows(layers=1)]
    save_profile(db, KEY, replace(profile_rows(), neurons=[unseen, *seen]))
    first, second = neuron_page(connection_of(db), KEY, NeuronOrder.MEAN, limit=2)
    assert math.isnan(first.mean)
    assert (first.peak_sequence, second.mean) == (-1, min(row.mean for row in seen))


def test_no_page_is_found_by_sorting_or_reading_the_whole_table(reader):
    """SQLite's own plan: every table is searched by key, none is scanned, nothing is sorted."""
    asked = []
    reader.set_trace_callback(asked.append)
    for order in NeuronOrder:
        neuron_page(reader, KEY, order, offset=20, limit=5)
    reader.set_trace_callback(None)
    plans = [row[3] for sql in asked for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(plans) > len(NeuronOrder)
    assert not [step for step in plans if "SCAN" in step or "TEMP B-TREE" in step]


def distinct_rows(layers, width):
    """Rows as a model of this size has them: float32 figures, a context of 60 characters for each of 16,384 tokens."""
    for place in range(layers * width):
        token = place * 2654435761 % 16384
        figures = (math.sin(place), math.cos(place) + 1, math.tan(place), token // 512, token % 512)
        yield NeuronStatistics(place // width, place % width, 16384, *figures, f"{token:060}", abs(math.sin(place)))


def test_a_model_of_30_layers_and_46080_neurons_takes_less_than_10_megabytes(path):
    db = open_for_writing(path)
    save_profile(db, KEY, replace(profile_rows(layers=30), neurons=distinct_rows(30, 1536)))
    db.close()
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]
    assert path.stat().st_size < 8e6
    reader = open_for_reading(path)
    assert count_neurons(reader, KEY) == 46080
    last = tuple(islice(distinct_rows(30, 1536), 46070, None))
    assert neuron_page(reader, KEY, offset=46070) == last
