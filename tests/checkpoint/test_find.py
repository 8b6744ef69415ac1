"""What finding promises: a path, a cached hub id, each directory opened once, no network unasked."""

import os
from pathlib import Path

import pytest

from engine.checkpoint.find import below, cached_references, cached_snapshot, locate, opener, reference_to
from engine.checkpoint.reference import directory_name
from engine.errors import CheckpointError, MissingCheckpointError, UsageError
from tests.cases import cases
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


def test_a_hub_id_without_an_organisation_is_one(hub):
    (hub / "refs" / "main").rename(hub.parent / "main")
    gpt2 = hub.rename(hub.parent / "models--gpt2")
    (hub.parent / "main").rename(gpt2 / "refs" / "main")
    assert locate("gpt2") == locate("gpt2@c0ffee") == gpt2 / "snapshots" / "c0ffee"
    assert opener()("gpt2").reference == "gpt2"
    assert list(cached_references()) == ["gpt2"]


def test_a_directory_goes_before_a_hub_id_of_its_name(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub.rename(hub.parent / "models--gpt2")
    write_llama(tmp_path / "gpt2")
    assert locate("gpt2") == Path("gpt2")


def test_a_cache_without_a_branch_is_listed_by_its_newest_commit_and_the_error_names_it(hub):
    (hub / "refs" / "main").unlink()
    os.utime(write_llama(hub / "snapshots" / "older"), (1, 1))
    assert list(cached_references()) == ["org/tiny@c0ffee"]
    assert locate("org/tiny@c0ffee") == hub / "snapshots" / "c0ffee"
    with pytest.raises(MissingCheckpointError, match="Write org/tiny@c0ffee"):
        opener()("org/tiny")


def test_a_cache_with_another_branch_alone_is_listed_by_that(hub):
    (hub / "refs" / "main").rename(hub / "refs" / "v2")
    assert list(cached_references()) == ["org/tiny@v2"]


def test_a_repository_of_any_cache_is_one_checkpoint_by_the_path_of_its_folder(hub, tmp_path, monkeypatch):
    write_llama(hub / "snapshots" / "older")
    assert list(below(tmp_path)) == [hub]
    assert reference_to(hub) == "org/tiny"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "another"))
    assert list(below(tmp_path)) == [hub]
    assert reference_to(hub) == str(hub)
    assert locate(str(hub)) == hub / "snapshots" / "c0ffee"
    assert opener()(str(hub)).layer_count > 0


@cases("path", ["/a/models--org--tiny", "models--org--tiny/", "/a/models--org--tiny/snapshots/c0ffee"])
def test_a_path_in_a_cache_is_called_by_its_repository_and_never_by_a_commit(path):
    assert directory_name(path) == "org/tiny"


@cases(("path", "name"), [("/a/b", "b"), ("b/", "b"), (".", "."), ("/models--gpt2", "gpt2")])
def test_another_path_is_called_by_its_last_part(path, name):
    assert directory_name(path) == name


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
    with pytest.raises(CheckpointError, match="nothing usable for main") as caught:
        opener()("org/tiny")
    assert "org/tiny@c0ffee" in caught.value.fix


def test_a_missing_path_is_named():
    with pytest.raises(CheckpointError, match="no/such/directory does not exist"):
        opener()("no/such/directory")


@cases("reference", ["~nosuchuser/m", "x" * 5000, "a\0b"])
def test_what_is_no_path_is_one_clear_error(reference):
    with pytest.raises(CheckpointError) as caught:
        opener()(reference)
    assert isinstance(caught.value, UsageError)  # it is no fault of a checkpoint


def test_checkpoints_below_a_directory_are_found_but_not_inside_each_other(tmp_path):
    wanted = {write_llama(tmp_path / "a"), write_llama(tmp_path / "b" / "c")}
    write_llama(tmp_path / "a" / "original")
    write_llama(tmp_path / ".hidden")
    assert set(below(tmp_path)) == wanted


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"../../elsewhere", b"d00d"])
def test_a_branch_that_names_no_snapshot_is_passed_over(hub, content):
    (hub / "refs" / "main").write_bytes(content)
    assert list(cached_references()) == ["org/tiny@c0ffee"]
    with pytest.raises(MissingCheckpointError, match="org/tiny@c0ffee"):
        opener()("org/tiny")


def test_the_folder_of_snapshots_means_the_repository(hub):
    assert locate(str(hub / "snapshots")) == hub / "snapshots" / "c0ffee"


def test_an_incomplete_download_says_how_to_complete_it(hub):
    (hub / "snapshots" / "c0ffee" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="dlec download org/tiny"):
        opener()("org/tiny")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("reference", ["org/other", "org/tiny@other", "no/such/directory", "~nobody/model", "a\0b"])
def test_a_missing_model_is_named_as_data_too(reference):
    with pytest.raises(MissingCheckpointError) as error:
        opener()(reference)
    assert error.value.where == {"path": reference}
