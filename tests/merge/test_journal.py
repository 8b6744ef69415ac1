"""Promises of a journal: never more than is on the disk, only to the merge that wrote it, no failed sync ignored."""

import errno
import os
import threading

import pytest

from engine.merge import journal
from engine.merge.journal import SyncBatches, begin_journal, continued_journal, read_watermark, signature_of
from engine.merge.layout import lay_out
from engine.merge.planned_operations import FillBytes, byte_operations
from engine.merge.transfer import sources_of
from engine.plan.outputs import output_tensors
from tests.merge.stacks import stack_of


def signature(base, **settings):
    layout = lay_out(output_tensors(stack_of(base, **settings)))
    return signature_of(layout, byte_operations(layout), sources_of(layout.tensors))


def test_the_last_mark_counts(tmp_path):
    begin_journal(tmp_path / "journal", "abc")
    with continued_journal(tmp_path / "journal") as journal:
        journal.mark(3)
        journal.mark(9)
    assert read_watermark(tmp_path / "journal", "abc") == 9


@pytest.mark.parametrize("torn", ["done 9", "done", "signature abc", "\0\0\0\0", "done \n", "done 1x\n"])
def test_a_torn_line_is_as_if_it_had_not_been_begun(tmp_path, torn):
    (tmp_path / "journal").write_text(f"signature abc\ndone 3\n{torn}")
    assert read_watermark(tmp_path / "journal", "abc") == 3


@pytest.mark.parametrize("text", ["", "signature abc", "signature abd\ndone 3\n", "done 3\n", "\xff\xfe\n"])
def test_a_journal_of_another_merge_says_nothing(tmp_path, text):
    (tmp_path / "journal").write_text(text)
    assert read_watermark(tmp_path / "journal", "abc") is None


def test_no_journal_says_nothing(tmp_path):
    assert read_watermark(tmp_path / "journal", "abc") is None


def test_the_signature_is_that_of_the_plan(base):
    assert signature(base) == signature(base)
    assert signature(base) != signature(base, layers=(0, 1, 2, 3, 4, 5))
    assert signature(base) != signature(base, dtype="BF16")


def test_the_signature_is_that_of_the_source_files(own_base):
    before = signature(own_base)
    os.utime(next(own_base.glob("*.safetensors")), (0, 0))
    assert signature(own_base) != before


class Marks(list):
    """A journal in memory."""

    def mark(self, done):
        self.append(done)


def add_all(open_batches, count):
    for number in range(count):
        open_batches.add(FillBytes(b"\0", 10, f"shard{number}", 0), number + 1)


def test_every_batch_is_marked_in_order_and_the_rest_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "sync_file", lambda _path: None)
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

    monkeypatch.setattr(journal, "sync_file", sync)
    marks = Marks()
    with SyncBatches(tmp_path, marks, 10) as opened:
        add_all(opened, 2)
    assert marks == [1, 2, 2]


def test_a_batch_that_cannot_be_synced_ends_the_marks_and_is_raised(tmp_path, monkeypatch):
    def sync(path):
        if path.name == "shard1":
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(journal, "sync_file", sync)
    marks = Marks()
    with pytest.raises(OSError, match="Input/output"), SyncBatches(tmp_path, marks, 10) as opened:
        add_all(opened, 5)
    assert marks == [1]
