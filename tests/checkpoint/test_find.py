"""What finding promises: a path, a cached hub id, each directory opened once, no network unasked."""

import pytest

from engine.checkpoint.find import below, cached_references, cached_snapshot, locate, opener
from engine.errors import CheckpointError
from tests.tiny import write_llama


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub cache that holds org/tiny at one commit."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "models--org--tiny"
    write_llama(folder / "snapshots" / "c0ffee")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("c0ffee")
    return folder


def test_a_cached_hub_id_is_its_snapshot(hub):
    assert locate("org/tiny") == locate("org/tiny@c0ffee") == hub / "snapshots" / "c0ffee"
    assert list(cached_references()) == ["org/tiny"]


def test_an_unknown_revision_is_not_cached(hub):
    assert hub.exists()
    assert cached_snapshot("org/tiny@other") is None


def test_a_directory_is_opened_once_however_it_is_written(tmp_path):
    directory = write_llama(tmp_path / "a")
    open_reference = opener()
    assert open_reference(str(directory)) is open_reference(f"{directory}/")


def test_a_hub_id_that_is_not_here_names_the_ways_to_get_it(hub):
    assert hub.exists()
    with pytest.raises(CheckpointError, match="dlec download org/else"):
        opener()("org/else")


def test_a_cache_without_refs_names_the_snapshots_that_it_has(hub):
    (hub / "refs" / "main").unlink()
    with pytest.raises(CheckpointError, match="not as main: .* it has c0ffee") as caught:
        opener()("org/tiny")
    assert "org/tiny@c0ffee" in caught.value.fix


def test_a_missing_path_is_named():
    with pytest.raises(CheckpointError, match="no/such/directory does not exist"):
        opener()("no/such/directory")


@pytest.mark.parametrize("reference", ["~nosuchuser/m", "x" * 5000, "a\0b"])
def test_what_is_no_path_is_one_clear_error(reference):
    with pytest.raises(CheckpointError):
        opener()(reference)


def test_checkpoints_below_a_directory_are_found_but_not_inside_each_other(tmp_path):
    wanted = {write_llama(tmp_path / "a"), write_llama(tmp_path / "b" / "c")}
    write_llama(tmp_path / "a" / "original")
    write_llama(tmp_path / ".hidden")
    assert set(below(tmp_path)) == wanted
