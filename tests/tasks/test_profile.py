"""The profile task: measured once, found ever after."""

from contextlib import closing
from pathlib import Path

import pytest

from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.store.location import store_path
from engine.store.models import all_models
from engine.store.neurons import count_neurons
from engine.store.profiles import find_angles, profiles_of
from engine.tasks import profile


def test_every_layer_neuron_and_block_is_stored_under_the_key(request_of) -> None:
    answer = profile.run(request_of, no_report)
    assert [layer["layer"] for layer in answer["layers"]] == list(range(6))
    with closing(open_for_reading(store_path(Path(request_of["home"])))) as connection:
        (model,) = all_models(connection)
        (stored,) = profiles_of(connection, model.fingerprint)
        assert (model.reference, model.layers) == ("tiny", 6)
        assert count_neurons(connection, stored.key) == 6 * 64
        assert len(find_angles(connection, stored.key)) == 6 * 7 // 2


def test_a_second_run_finds_the_same_figures(request_of, monkeypatch) -> None:
    first = profile.run(request_of, no_report)
    monkeypatch.setattr(profile, "_measured", None)
    assert profile.run(request_of, no_report) == first | {"stored": True}
    assert not first["stored"]


@pytest.mark.parametrize("other", [{"tokens": 136}, {"seq_len": 4}, {"split": "heldout"}, {"dtype": "bfloat16"}])
def test_another_setting_is_another_measurement(request_of, other) -> None:
    profile.run(request_of, no_report)
    assert not profile.run(request_of | other, no_report)["stored"]


def test_batches_and_devices_do_not_make_another_measurement(request_of) -> None:
    profile.run(request_of, no_report)
    assert profile.run(request_of | {"batch_size": 1, "device": "auto"}, no_report)["stored"]


@pytest.mark.parametrize("batch_size", [4, 5])
def test_progress_is_reported_at_every_batch(request_of, batch_size: int) -> None:
    heard = []
    profile.run({**request_of, "batch_size": batch_size}, lambda *progress: heard.append(progress[:2]))
    assert heard == [(min(done, 16), 16) for done in range(0, 16 + batch_size, batch_size)]
