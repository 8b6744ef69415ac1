"""Comparisons in the store."""

from contextlib import closing
from dataclasses import replace

from engine.store.comparisons import (
    Comparison,
    ComparisonKey,
    TensorDifference,
    UnpairedTensor,
    comparisons_of,
    find_comparison,
    save_comparison,
)
from engine.store.database import connection_of

TENSOR = TensorDifference(
    name="model.layers.4.q.weight",
    base_name="model.layers.2.q.weight",
    layer=4,
    base_layer=2,
    type="q",
    group="first copies",
    elements=12,
    relative=0.5,
    base_rms=2.0,
    rms=1.0,
    max=3.0,
    cosine=None,
    identical=0.25,
    sign_flips=0.125,
    factor=0.0,
    fit=0.5,
    energy=(0.5, 0.75),
)
COMPARISON = Comparison(
    ComparisonKey("abc", "files"),
    "a",
    "b",
    "fa",
    "fb",
    "plan",
    "as requested",
    6,
    (TENSOR, replace(TENSOR, layer=None, base_layer=None, energy=())),
    (UnpairedTensor("t", "b", "A has no such tensor"),),
)


def test_a_comparison_is_found_again_as_it_was(db):
    save_comparison(db, COMPARISON)
    assert find_comparison(connection_of(db), COMPARISON.key) == COMPARISON
    assert comparisons_of(connection_of(db), "fb") == (COMPARISON,)
    assert comparisons_of(connection_of(db), "fa") == ()


def test_a_comparison_of_files_that_have_changed_is_not_found_and_is_replaced(db):
    save_comparison(db, COMPARISON)
    later = replace(COMPARISON, key=replace(COMPARISON.key, files="others"), tensors=())
    assert find_comparison(connection_of(db), later.key) is None
    save_comparison(db, later)
    assert comparisons_of(connection_of(db), "fb") == (later,)
    with closing(connection_of(db)) as connection:
        assert connection.rows("SELECT count(*) FROM tensor_differences") == [(0,)]
