"""What a transfer promises: the right bytes by whatever means work, and never past the end of a source."""

import errno
import os

import pytest

from engine.errors import CheckpointError, MachineError
from engine.merge import transfer
from engine.merge.transfer import Transfer

CONTENT = bytes(range(256)) * 12_000
FROM_SEVEN = len(CONTENT) - 7


@pytest.fixture
def files(tmp_path):
    """Descriptors of a source with CONTENT and of an empty target."""
    (tmp_path / "source").write_bytes(CONTENT)
    source = os.open(tmp_path / "source", os.O_RDWR)
    target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    yield source, target
    os.close(source)
    os.close(target)


def copied(files, mover, length=FROM_SEVEN):
    source, target = files
    mover.copy(source, 7, target, 3, length, "source")
    return os.pread(target, length + 3, 0)


def refusing(code, calls):
    def refuse(*_arguments):
        calls.append(code)
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize("means", ["by_copy_file_range", "by_sendfile", "by_read_and_write"])
def test_every_means_copies_the_same_bytes(files, means):
    mover = Transfer()
    mover.means = [getattr(transfer, means)]
    assert copied(files, mover) == b"\0\0\0" + CONTENT[7:]


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])
def test_means_that_do_not_work_are_replaced_once_and_for_all(files, monkeypatch, code):
    calls = []
    monkeypatch.setattr(os, "copy_file_range", refusing(code, calls))
    monkeypatch.setattr(os, "sendfile", refusing(code, calls))
    mover = Transfer()
    assert copied(files, mover) == b"\0\0\0" + CONTENT[7:]
    assert copied(files, mover) == b"\0\0\0" + CONTENT[7:]
    assert calls == [code, code]


def test_other_errors_are_not_hidden(files, monkeypatch):
    monkeypatch.setattr(os, "copy_file_range", refusing(errno.ENOSPC, []))
    with pytest.raises(OSError, match="No space left"):
        copied(files, Transfer())


def test_without_reflink_copy_file_range_is_never_called(files, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "copy_file_range", refusing(errno.EIO, calls))
    assert copied(files, Transfer(reflink=False)) == b"\0\0\0" + CONTENT[7:]
    assert calls == []


@pytest.mark.parametrize("means", ["by_copy_file_range", "by_sendfile", "by_read_and_write"])
def test_a_source_that_ends_early_is_named_with_figures(files, means):
    mover = Transfer()
    mover.means = [getattr(transfer, means)]
    with pytest.raises(CheckpointError, match=r"source shrank.*byte 3,072,001 was needed, the file has 3,072,000"):
        copied(files, mover, FROM_SEVEN + 1)


def test_a_call_that_moves_nothing_though_there_is_more_is_not_trusted(files, monkeypatch):
    monkeypatch.setattr(os, "copy_file_range", lambda *_: 0)
    assert copied(files, Transfer()) == b"\0\0\0" + CONTENT[7:]


def test_a_failing_disk_is_told_with_the_file_concerned(files, monkeypatch):
    monkeypatch.setattr(os, "copy_file_range", refusing(errno.EIO, []))
    with pytest.raises(MachineError, match="source could not be copied: a disk failed"):
        copied(files, Transfer())
