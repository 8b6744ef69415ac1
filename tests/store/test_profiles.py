"""What the store promises of a profile: whole or not at all, found again by its key, never replaced."""

import math
import sqlite3
from dataclasses import fields, replace

import pytest

from engine.store.database import connection_of, open_for_reading
from engine.store.keys import MeasurementKey
from engine.store.neurons import count_neurons, neuron_page
from engine.store.profiles import (
    LayerStatistics,
    find_angles,
    find_histograms,
    find_layers,
    find_profile,
    profiles_of,
    save_profile,
)
from engine.text.corpus import Split
from tests.store.rows import KEY, OTHER_KEY, angle_rows, layer_rows, neuron_rows, profile_rows


def test_what_is_saved_is_found_by_another_connection(db, path):
    save_profile(db, KEY, profile_rows())
    reader = open_for_reading(path)
    assert find_layers(reader, KEY) == tuple(layer_rows())
    assert find_angles(reader, KEY) == tuple(angle_rows())
    assert [found.counts for found in find_histograms(reader, KEY)] == [(1, 2, 3)] * 4
    assert neuron_page(reader, KEY) == tuple(neuron_rows())
    assert find_profile(reader, KEY).key == KEY


def test_a_profile_under_the_same_key_is_left_as_it_is(db):
    save_profile(db, KEY, profile_rows())
    save_profile(db, KEY, profile_rows(layers=2))
    assert len(find_layers(connection_of(db), KEY)) == 4
    assert len(profiles_of(connection_of(db), KEY.fingerprint)) == 1


@pytest.mark.parametrize("field", [field.name for field in fields(MeasurementKey)])
def test_whatever_differs_in_the_key_is_another_profile(db, field):
    other = replace(KEY, **{field: 1 if field in ("tokens", "seq_len") else "other"})
    save_profile(db, KEY, profile_rows())
    assert find_profile(connection_of(db), other) is None
    save_profile(db, other, profile_rows(layers=2))
    assert (count_neurons(connection_of(db), KEY), count_neurons(connection_of(db), other)) == (40, 20)


def test_a_split_of_a_text_is_a_key_as_it_is(db):
    save_profile(db, replace(KEY, split=Split.SELECTION), profile_rows())
    assert find_profile(connection_of(db), KEY).key.split is not None
    assert find_profile(connection_of(db), replace(KEY, split=Split.HELDOUT)) is None


def test_what_was_never_measured_is_absent_rather_than_an_error(db):
    reader = connection_of(db)
    assert find_profile(reader, KEY) is None
    assert (find_layers(reader, KEY), find_angles(reader, KEY), find_histograms(reader, KEY)) == ((), (), ())
    assert (count_neurons(reader, KEY), neuron_page(reader, KEY), profiles_of(reader, "f00d")) == (0, (), ())


def test_profiles_of_a_model_are_the_newest_first(db):
    for key in (KEY, OTHER_KEY, replace(KEY, fingerprint="beef")):
        save_profile(db, key, profile_rows(layers=1))
    assert [found.key for found in profiles_of(connection_of(db), KEY.fingerprint)] == [OTHER_KEY, KEY]


def test_a_figure_that_is_not_a_number_stays_one(db):
    rows = replace(profile_rows(), layers=[LayerStatistics(0, math.nan, math.inf, 1.0, 0.0)])
    save_profile(db, KEY, rows)
    (found,) = find_layers(connection_of(db), KEY)
    assert math.isnan(found.block_influence)
    assert found.relative_update == math.inf


def failing_rows():
    yield from neuron_rows()
    raise ZeroDivisionError


def test_an_error_while_rows_are_computed_leaves_nothing(db):
    with pytest.raises(ZeroDivisionError):
        save_profile(db, KEY, replace(profile_rows(), neurons=failing_rows()))
    assert find_profile(connection_of(db), KEY) is None
    assert find_layers(connection_of(db), KEY) == ()
    save_profile(db, KEY, profile_rows())
    assert count_neurons(connection_of(db), KEY) == 40


def test_a_person_with_sqlite3_can_ask_and_delete(db, path):
    save_profile(db, KEY, profile_rows())
    person = sqlite3.connect(path)
    strongest = """SELECT layer, neuron, peak, peak_context FROM neurons
        JOIN measurement_keys ON id = key_id WHERE split = 'selection' ORDER BY abs(peak) DESC, layer, neuron LIMIT 1"""
    expected = min(neuron_rows(), key=lambda row: (-abs(row.peak), row.layer, row.neuron))
    assert person.execute(strongest).fetchone() == (
        *(expected.layer, expected.neuron, expected.peak, expected.peak_context),
    )
    person.execute("PRAGMA foreign_keys = ON")
    person.execute("DELETE FROM measurement_keys")
    assert person.execute("SELECT count(*) FROM neurons").fetchone() == (0,)
