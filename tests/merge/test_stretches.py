"""What stretches promise: no mark before everything under it is synced, and no silent failure."""

import errno
import threading

import pytest

from engine.merge import stretches
from engine.merge.copies import Fill
from engine.merge.stretches import Stretches


class Marks(list):
    """A journal in memory."""

    def mark(self, done):
        self.append(done)


def add_all(open_stretches, count):
    for number in range(count):
        open_stretches.add(Fill(b"\0", 10, f"shard{number}", 0), number + 1)


def test_every_stretch_is_marked_in_order_and_the_rest_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(stretches, "sync_file", lambda _path: None)
    marks = Marks()
    with Stretches(tmp_path, marks, 30) as opened:
        add_all(opened, 10)
    assert marks == [3, 6, 9, 10]


def test_a_later_stretch_that_is_ready_first_waits_for_the_one_before(tmp_path, monkeypatch):
    later_is_synced = threading.Event()

    def sync(path):
        if path.name == "shard0":
            assert later_is_synced.wait(5)
        else:
            later_is_synced.set()

    monkeypatch.setattr(stretches, "sync_file", sync)
    marks = Marks()
    with Stretches(tmp_path, marks, 10) as opened:
        add_all(opened, 2)
    assert marks == [1, 2, 2]


def test_a_stretch_that_cannot_be_synced_ends_the_marks_and_is_raised(tmp_path, monkeypatch):
    def sync(path):
        if path.name == "shard1":
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(stretches, "sync_file", sync)
    marks = Marks()
    with pytest.raises(OSError, match="Input/output"), Stretches(tmp_path, marks, 10) as opened:
        add_all(opened, 5)
    assert marks == [1]
