"""What a store in a bad way gets: one message with its path and the fix, and nothing lost."""

import os
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import MachineError
from engine.store.database import connection_of, open_for_reading, open_for_writing
from engine.store.models import all_models, save_model
from engine.store.neurons import NeuronOrder, neuron_page
from engine.store.profiles import find_angles, find_histograms, find_layers, find_profile, profiles_of, save_profile
from tests.store.rows import KEY, MODEL, OTHER_KEY, profile_rows


def refused(path, *words):
    """A message that names the path and says these words."""
    return pytest.raises(MachineError, match="(?s)" + ".*".join([str(path), *words]))


@contextmanager
def write_lock(path):
    """Hold a store's write lock, as another process would."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_a_locked_store_is_waited_for_and_then_named(db, path):
    impatient = open_for_writing(path, busy_seconds=0.05)
    with write_lock(path):
        with refused(path, "is locked", "Wait for it to finish"):
            save_profile(impatient, KEY, profile_rows())
        assert all_models(open_for_reading(path)) == ()
    save_profile(impatient, KEY, profile_rows())
    assert find_profile(connection_of(db), KEY)


def test_a_store_that_is_locked_before_it_has_tables_is_named(path):
    path.parent.mkdir()
    with write_lock(path), refused(path, "is locked"):
        open_for_writing(path, busy_seconds=0.05)
    save_model(open_for_writing(path), MODEL)


@pytest.fixture
def read_only(path):
    """A store with a model, on a disk that turned read-only."""
    path.parent.mkdir()
    is_root = os.geteuid() == 0
    if is_root and run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path.parent):
        pytest.skip("root writes everywhere, and a tmpfs cannot be mounted here")
    db = open_for_writing(path)
    save_model(db, MODEL)
    db.close()
    if is_root:
        assert run("mount", "-o", "remount,ro", path.parent) == 0
    else:
        path.chmod(0o444)
        path.parent.chmod(0o555)
    yield path
    if is_root:
        run("umount", path.parent)
    else:
        path.parent.chmod(0o755)


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True).returncode


def test_a_read_only_store_can_be_read_and_says_why_it_cannot_be_written(read_only):
    reader = open_for_reading(read_only)
    assert all_models(reader) == (MODEL,)
    reader.close()
    with refused(read_only, "cannot be written", "read-only", "DLEC_HOME"):
        open_for_writing(read_only)


def test_a_place_where_no_directory_can_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "home" / "dlec.sqlite"
    with refused(path, "cannot be opened", "cannot be created: Not a directory", "DLEC_HOME"):
        open_for_writing(path)
    assert all_models(open_for_reading(path)) == ()


def test_a_directory_in_the_place_of_the_store_is_named(path):
    path.mkdir(parents=True)
    for opened in (open_for_writing, open_for_reading):
        with refused(path, "cannot be opened"):
            opened(path)


def overwritten(path, offset, content):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


DAMAGE = {
    "no database": lambda path: path.write_bytes(b"this is no database at all" * 400),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 3),
    "first page lost": lambda path: overwritten(path, 100, bytes(3996)),
    "all pages behind the first lost": lambda path: overwritten(path, 4096, b"\xff" * (path.stat().st_size - 4096)),
}


@pytest.fixture
def filled(path):
    """A closed store with a profile in it."""
    db = open_for_writing(path)
    save_model(db, MODEL)
    save_profile(db, KEY, profile_rows(layers=20, width=50))
    db.close()
    return path


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_store_is_named_and_left_for_rescue(filled, damage):
    damage(filled)
    before = filled.read_bytes()
    with refused(filled, "is damaged", "Move it away", "recover"):
        neuron_page(open_for_reading(filled), KEY)
    with refused(filled, "is damaged"):
        save_profile(open_for_writing(filled), KEY, profile_rows())
    assert filled.read_bytes() == before


def read_everything(path):
    with closing(open_for_reading(path)) as reader:
        all_models(reader)
        for profile in profiles_of(reader, KEY.fingerprint):
            find_layers(reader, profile.key)
            find_angles(reader, profile.key)
            find_histograms(reader, profile.key)
            for order in NeuronOrder:
                neuron_page(reader, profile.key, order, limit=2000)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damage_anywhere_gives_rows_or_one_message(tmp_path_factory, filled, data):
    whole = filled.read_bytes()
    broken = tmp_path_factory.mktemp("broken") / "dlec.sqlite"
    broken.write_bytes(whole)
    offset = data.draw(st.integers(0, len(whole) - 64))
    overwritten(broken, offset, data.draw(st.binary(min_size=1, max_size=64)))
    try:
        read_everything(broken)
    except MachineError as error:
        assert str(broken) in error.what


def test_a_newer_store_is_left_alone(db, path):
    db["_sqlite_migrations"].insert({"migration_set": "dlec", "name": "0099_future", "applied_at": "2099"})
    db.close()
    before = path.read_bytes()
    for opened in (open_for_writing, open_for_reading):
        with refused(path, "from a newer version", "0099_future", "Update dlec"):
            opened(path)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_left_alone(path):
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE songs (title TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    for opened in (open_for_writing, open_for_reading):
        with refused(path, "is not a store", "another program"):
            opened(path)
    assert path.read_bytes() == before


def test_a_disk_that_fills_up_loses_nothing(filled):
    db = open_for_writing(filled)
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 3}")
    with refused(filled, "are free", "Free disk space"):
        save_profile(db, OTHER_KEY, profile_rows(layers=40, width=50))
    assert find_profile(connection_of(db), OTHER_KEY) is None
    db.execute(f"PRAGMA max_page_count = {pages + 3000}")
    save_profile(db, OTHER_KEY, profile_rows(layers=40, width=50))
    assert find_profile(connection_of(db), OTHER_KEY)
    assert find_profile(connection_of(db), KEY)
