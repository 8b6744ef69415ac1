"""Sweeps: found again as they were, resumable, united whole."""

import math
from array import array
from contextlib import closing
from dataclasses import replace

import pytest

from engine.errors import MachineError
from engine.store.database import connection_of, open_for_reading
from engine.store.floats import packed, unpacked
from engine.store.plan_measurements import (
    PartialResult,
    find_measurements,
    find_partial,
    find_probes,
    forget_partial,
    measured_visits,
    save_measurement,
    save_partial,
    save_probe,
)
from engine.store.scores import Score
from engine.store.sweeps import (
    SWEPT,
    Ranking,
    all_sweeps,
    find_cost,
    find_rankings,
    find_sweep,
    find_swept_blocks,
    finish_sweep,
    save_rankings,
    save_stopped,
    save_sweep,
    swept_keys,
)
from engine.store.union import unite
from tests.store.filled import answers_of, figures_of, measure, numbered, probe_key, sweep_of


def test_figures_are_packed_without_loss_and_smaller():
    figures = array("f", (2.5 + math.sin(number) / 3 for number in range(10_000)))
    assert unpacked(packed(figures)) == figures
    assert len(packed(figures)) < 0.85 * 4 * len(figures)
    assert math.isnan(unpacked(packed([math.nan]))[0])
    assert len(unpacked(packed([]))) == 0


@pytest.mark.parametrize("blob", [b"", b"figures", packed([1.0])[:-3]])
def test_a_blob_that_is_none_is_damaged(blob):
    with pytest.raises(MachineError, match="damaged"):
        unpacked(blob)


def test_figures_are_found_by_visits_and_key_and_never_replaced(db):
    save_measurement(db, numbered(1), figures_of(3))
    save_measurement(db, numbered(1), replace(figures_of(3), nll=9.0))
    save_measurement(db, numbered(1), figures_of(4))
    reader = connection_of(db)
    assert find_measurements(reader, numbered(1), ["0-3", "0-4", "0-5"]) == {"0-3": figures_of(3), "0-4": figures_of(4)}
    assert measured_visits(reader, numbered(1)) == {"0-3", "0-4"}
    assert find_measurements(reader, numbered(2), ["0-3"]) == {}


def piece(sequences, nll=2.5):
    return PartialResult(
        array("f", [nll] * 3 * sequences), array("f", [0.1] * sequences), array("f", [1.0] * sequences)
    )


def test_pieces_are_joined_as_far_as_they_have_no_gap_and_deleted_by_visits(db):
    save_partial(db, numbered(1), {"0-3": (0, piece(2)), "0-4": (0, piece(2)), "0-5": (2, piece(2))})
    save_partial(db, numbered(1), {"0-3": (2, piece(1)), "0-4": (3, piece(1))})
    reader = connection_of(db)
    assert find_partial(reader, numbered(1), ["0-3", "0-4", "0-5", "0-6"]) == {"0-3": piece(3), "0-4": piece(2)}
    assert find_partial(reader, numbered(2), ["0-3"]) == {}
    forget_partial(db, numbered(1), ["0-3", "0-6"])
    assert find_partial(reader, numbered(1), ["0-3", "0-4"]) == {"0-4": piece(2)}


def test_a_piece_beyond_the_sequences_to_keep_is_deleted(db):
    save_partial(db, numbered(1), {"0-3": (0, piece(2))})
    save_partial(db, numbered(1), {"0-3": (2, piece(2))})
    forget_partial(db, numbered(1), ["0-3"], kept_sequences=2)
    assert find_partial(connection_of(db), numbered(1), ["0-3"]) == {"0-3": piece(2)}


def test_the_mean_of_each_sequence_is_made_of_its_tokens():
    assert figures_of(3).sequence_nll == [3.25, 2.25]


def test_a_plan_that_computes_no_number_is_kept_as_such(db):
    broken = replace(figures_of(1), nll=math.nan, delta_nll=math.nan, token_nll=array("f", [math.nan] * 4))
    save_measurement(db, numbered(1), broken)
    (found,) = find_measurements(connection_of(db), numbered(1), ["0-1"]).values()
    assert math.isnan(found.nll)
    assert math.isnan(found.sequence_nll[0])
    assert found.kl == broken.kl


def test_answers_are_found_by_visits_and_key(db):
    save_probe(db, probe_key(1), answers_of(2))
    reader = connection_of(db)
    assert find_probes(reader, probe_key(1)) == {"0-2": answers_of(2)}
    assert find_probes(reader, numbered(1)) == {}


def test_a_sweep_is_found_as_it_was_asked(db):
    sweep_id = save_sweep(db, sweep_of(1))
    assert find_sweep(connection_of(db), sweep_id) == sweep_of(1)
    assert find_sweep(connection_of(db), sweep_id + 1) is None


def test_the_same_sweep_is_the_same_row(db):
    sweep_id = save_sweep(db, sweep_of(1))
    assert save_sweep(db, sweep_of(1)) == sweep_id
    assert save_sweep(db, sweep_of(2)) != sweep_id
    assert [listing.sha256 for listing in all_sweeps(connection_of(db))] == ["sweep 2", "sweep 1"]


def test_it_is_finished_once_and_says_what_it_cost(db):
    reader, sweep_id = connection_of(db), save_sweep(db, sweep_of(1))
    assert find_cost(reader, sweep_id) == {}
    assert all_sweeps(reader)[0].finished_at is None
    finish_sweep(db, sweep_id, {"layer_forwards": 7})
    finish_sweep(db, sweep_id, {"layer_forwards": 0})
    assert find_cost(reader, sweep_id) == {"layer_forwards": 7}
    assert all_sweeps(reader)[0].finished_at is not None


def test_what_was_stopped_stays_stopped(db):
    sweep_id = save_sweep(db, sweep_of(1))
    save_stopped(db, sweep_id, {0: 32})
    found = find_sweep(connection_of(db), sweep_id)
    assert [plan.stopped_after for plan in found.plans] == [32, 16]


def test_rankings_are_kept_with_what_is_undefined(db):
    sweep_id = save_sweep(db, sweep_of(1))
    rankings = [Ranking("second_pass", 2, 1, math.nan), Ranking("second_pass", 0, 9, 0.75)]
    save_rankings(db, sweep_id, rankings)
    found = find_rankings(connection_of(db), sweep_id)
    assert found[0] == rankings[1]
    assert math.isnan(found[1].spearman)


def test_blocks_that_were_swept_stand_beside_scores(db):
    save_measurement(db, numbered(1), figures_of(1))
    save_measurement(db, numbered(1), replace(figures_of(2), visits="0-1 0-1*0.5"))
    save_sweep(db, sweep_of(1))
    save_sweep(db, replace(sweep_of(1), sha256="the same plans again"))
    reader = connection_of(db)
    assert find_swept_blocks(reader, numbered(1)) == (Score(SWEPT, 0, 1, 0.5, 0.25),)
    assert find_swept_blocks(reader, numbered(2)) == ()
    assert swept_keys(reader, numbered(1).fingerprint) == (numbered(1),)
    assert swept_keys(reader, "another") == ()


def test_sweeps_are_united_with_their_plans_keys_and_figures(tmp_path):
    here, there = measure(tmp_path / "a" / "dlec.sqlite", [1]), measure(tmp_path / "b" / "dlec.sqlite", [3, 1, 2])
    unite(here, there)
    with closing(open_for_reading(here)) as reader:
        ids = {listing.sha256: listing.id for listing in all_sweeps(reader)}
        assert ids.keys() == {"sweep 1", "sweep 2", "sweep 3"}
        for number in (1, 2, 3):
            sweep_id = ids[f"sweep {number}"]
            assert find_sweep(reader, sweep_id) == sweep_of(number)
            assert find_cost(reader, sweep_id) == {"layer_forwards": number}
            assert find_rankings(reader, sweep_id) == (Ranking("second_pass", 1, 4, 0.5),)
            assert find_measurements(reader, numbered(number), [f"0-{number}"]) == {f"0-{number}": figures_of(number)}
            assert find_probes(reader, probe_key(number)) == {f"0-{number}": answers_of(number)}
