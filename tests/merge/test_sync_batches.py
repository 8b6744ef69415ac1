"""Batches of synced writes: no mark before all writes below it are synced, and no silent failure."""

import errno
import threading

import pytest

from engine.merge import sync_batches
from engine.merge.byte_operations import FillBytes
from engine.merge.sync_batches import SyncBatches


class Marks(list):
    """A journal in memory."""

    def mark(self, done):
        self.append(done)


def add_all(open_batches, count):
    for number in range(count):
        open_batches.add(FillBytes(b"\0", 10, f"shard{number}", 0), number + 1)


def test_every_batch_is_marked_in_order_and_the_rest_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sync_batches, "sync_file", lambda _path: None)
    marks = Marks()
    with SyncBatches(tmp_path, marks, 30) as opened:
        add_all(opened, 10)
    assert marks == [3, 6, 9, 10]


def test_a_later_batch_that_is_ready_first_waits_for_the_one_before(tmp_path, monkeypatch):
    later_is_synced = threading.Event()

    def sync(path):
        if path.name == "shard0":
            assert later_is_synced.wait(5)
        else:
            later_is_synced.set()

    monkeypatch.setattr(sync_batches, "sync_file", sync)
    marks = Marks()
    with SyncBatches(tmp_path, marks, 10) as opened:
        add_all(opened, 2)
    assert marks == [1, 2, 2]


def test_a_batch_that_cannot_be_synced_ends_the_marks_and_is_raised(tmp_path, monkeypatch):
    def sync(path):
        if path.name == "shard1":
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sync_batches, "sync_file", sync)
    marks = Marks()
    with pytest.raises(OSError, match="Input/output"), SyncBatches(tmp_path, marks, 10) as opened:
        add_all(opened, 5)
    assert marks == [1]
