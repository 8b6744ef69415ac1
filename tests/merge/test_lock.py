"""What the lock promises: one merge at a time, and no lock outlives its holder."""

import os
import socket
import subprocess
import sys
import time

import pytest

from engine.errors import UsageError
from engine.merge import partial as partial_module
from engine.merge.partial import locked, partial_of
from tests.merge.stacks import leftovers, merged, stack_of


@pytest.fixture
def partial(tmp_path):
    return partial_of(tmp_path / "out")


def test_a_second_merge_hears_who_holds_the_lock(partial):
    holder = f"process {os.getpid()} on {socket.gethostname()}"
    with locked(partial), pytest.raises(UsageError, match=f"is being merged already: {holder}"), locked(partial):
        pass


HOLDER = """
import sys
from pathlib import Path
from engine.merge.partial import locked
from engine.merge.partial import partial_of
with locked(partial_of(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_holder_that_dies_meanwhile_is_waited_for(partial, monkeypatch):
    command = [sys.executable, "-c", HOLDER, str(partial.out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        monkeypatch.setattr(partial_module.time, "sleep", lambda _seconds: holder.kill())
        with locked(partial, patience=60):
            assert str(os.getpid()) in partial.lock.read_text()


def test_patience_ends(partial):
    began = time.monotonic()
    with locked(partial), pytest.raises(UsageError, match="is being merged already"), locked(partial, patience=0.3):
        pass
    assert 0.3 <= time.monotonic() - began < 30


def test_a_merge_into_a_locked_output_changes_nothing(base, partial):
    with locked(partial):
        with pytest.raises(UsageError, match="is being merged already"):
            merged(stack_of(base), partial.out)
        assert [path.name for path in partial.root.iterdir()] == ["lock"]


def test_the_lock_of_a_dead_process_is_free(partial):
    partial.root.mkdir()
    partial.lock.write_text('{"pid": 1, "host": "elsewhere"}')
    with locked(partial):
        assert str(os.getpid()) in partial.lock.read_text()


def test_a_lock_whose_file_was_removed_is_taken_anew(partial, monkeypatch):
    """The last holder may remove the file between our opening and our locking it."""
    with monkeypatch.context() as patch:
        verdicts = iter([False, True])
        patch.setattr("engine.locks._is_still_at", lambda *_: next(verdicts))
        with locked(partial):
            assert partial.lock.exists()


def test_nothing_remains_after_a_lock_that_led_to_nothing(partial):
    with locked(partial):
        pass
    assert leftovers(partial.out) == []
