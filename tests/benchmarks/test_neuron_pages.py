"""A page of the neuron table of a model with a million neurons opens in milliseconds, wherever and however sorted."""

import time
from dataclasses import replace
from statistics import median

import pytest

from engine.store.database import open_for_reading, open_for_writing
from engine.store.neurons import PAGE_ROWS, NeuronOrder, neuron_page
from engine.store.profiles import save_profile
from tests.store.rows import KEY, neuron_rows, profile_rows

LAYERS, WIDTH = 80, 12_500
MOST_MILLISECONDS = 10


def milliseconds(page):
    """The median of five calls."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert len(page()) == PAGE_ROWS
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


@pytest.mark.bench
def test_any_page_of_a_million_neurons_opens_in_milliseconds(tmp_path):
    db = open_for_writing(tmp_path / "dlec.sqlite")
    save_profile(db, KEY, replace(profile_rows(LAYERS), neurons=neuron_rows(LAYERS, WIDTH)))
    db.close()
    reader = open_for_reading(tmp_path / "dlec.sqlite")
    for order in NeuronOrder:
        for offset in (0, LAYERS * WIDTH // 2, LAYERS * WIDTH - PAGE_ROWS):
            took = milliseconds(lambda order=order, offset=offset: neuron_page(reader, KEY, order, offset=offset))
            print(f"{order}, row {offset:,}: {took:.1f} ms")
            assert took < MOST_MILLISECONDS
