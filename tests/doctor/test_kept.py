"""Home, store and disk."""

import hashlib
import os
import sqlite3
from pathlib import Path

import pytest

from dlec_tui.doctor import disk, store
from dlec_tui.doctor.disk import (
    file_system_finding,
    look_at_file_system,
    look_at_home,
    look_at_hub_cache,
    room_finding,
)
from dlec_tui.doctor.result import State, fine
from engine.store.database import open_for_writing
from engine.store.migrations import MIGRATIONS
from tests.lockless import refuse_locks

HERE = Path("/data")


def test_room_is_told_with_the_place():
    assert room_finding(HERE, 81_700_000_000, 10, 1e9, "less") == fine("/data, 81.7 GB free")


@pytest.mark.parametrize(("free", "files"), [(999_999_999, None), (81_700_000_000, 0)])
def test_too_few_bytes_or_files_are_a_note(free, files):
    found = room_finding(HERE, free, files, 1e9, "Make space.")
    assert (found.state, found.fix) == (State.NOTE, "Make space.")


def test_a_home_that_does_not_exist_yet_has_the_room_of_where_it_will_be(tmp_path):
    found = look_at_home(tmp_path / "not" / "yet")
    assert not found.stops_dlec
    assert not (tmp_path / "not").exists()


def test_a_home_below_a_file_stops_dlec(tmp_path):
    (tmp_path / "file").touch()
    assert look_at_home(tmp_path / "file" / "home").stops_dlec


def test_a_home_that_may_not_be_written_stops_dlec(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.os, "access", lambda _path, _mode: False)
    assert look_at_home(tmp_path).stops_dlec


def test_a_local_file_system_is_fine():
    assert file_system_finding("ext4").state is State.FINE


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "fuse.sshfs", ""])
def test_a_shared_or_unknown_file_system_says_what_follows(kind):
    found = file_system_finding(kind)
    assert found.state is State.NOTE
    assert "rollback journal" in found.value
    assert "DLEC_HOME" in found.fix


def test_the_hub_cache_counts_its_models(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert look_at_hub_cache().value == f"{tmp_path}, empty"
    (tmp_path / "models--org--name").mkdir()
    assert look_at_hub_cache().value == f"{tmp_path}, 1 model"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that is up to date."""
    file = tmp_path / "dlec.sqlite"
    open_for_writing(file).close()
    return file


def test_a_store_that_is_not_there_yet_is_fine(tmp_path):
    assert store.look(tmp_path / "dlec.sqlite").state is State.FINE


def test_a_store_tells_its_version(path):
    found = store.look(path)
    assert found.state is State.FINE
    assert f"version {len(MIGRATIONS)}, up to date" in found.value


def test_looking_changes_nothing(path):
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (list(MIGRATIONS)[-1],))
    connection.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    assert "older than version" in store.look(path).value
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_damaged_store_stops_dlec_and_says_what_to_do(path):
    path.write_bytes(b"rubbish" * 1000)
    found = store.look(path)
    assert found.stops_dlec
    assert ".recover" in found.fix


def test_a_newer_store_stops_dlec_and_says_what_to_do(path):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE _sqlite_migrations SET name = '9999_later' WHERE name = ?", (list(MIGRATIONS)[-1],))
    connection.close()
    found = store.look(path)
    assert found.stops_dlec
    assert "Update dlec" in found.fix


def test_a_store_of_somebody_else_can_be_read(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _path, mode: mode == os.R_OK)
    found = store.look(path)
    assert (found.state, found.stops_dlec) == (State.NOTE, False)
    assert "read-only" in found.value


def test_a_file_system_without_locks_is_noted_with_what_is_done_there_and_the_way_out(tmp_path, monkeypatch):
    refuse_locks(monkeypatch)
    found = look_at_file_system(tmp_path / "home that is not there yet")
    assert found.state is State.NOTE
    assert "without file locks: processes use a lock file" in found.value
    assert "-o flock" in found.fix
    assert "--home DIR" in found.fix
