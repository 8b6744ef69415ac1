"""What a full disk gets: one message with figures, nothing under the final name, and a merge that continues."""

import errno
import os
import subprocess

import pytest

from engine.errors import DiskFullError, MachineError
from engine.merge import space
from engine.merge.partial import partial_of
from tests.merge.stacks import merged, partial_model, settled_bytes, stack_of
from tests.tiny import write_llama

MEGABYTE = 10**6


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    mount = mounted(tmp_path / "disk", "size=4m")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def mounted(mount, options):
    """A file system in memory; the test is skipped where that is not allowed."""
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    return mount


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A checkpoint whose stack takes about 2.1 MB."""
    return write_llama(tmp_path_factory.mktemp("space") / "large", hidden=64, intermediate=256)


def test_a_disk_without_room_is_refused_with_figures_and_continued_when_there_is(large, small_disk, tmp_path):
    (small_disk / "ballast").write_bytes(bytes(3 * MEGABYTE))
    with pytest.raises(DiskFullError, match=r"too full for .*out: 2\.\d+ MB more are needed of .*, 1\.\d+ MB are free"):
        merged(stack_of(large), small_disk / "out")
    assert not (small_disk / "out").exists()
    (small_disk / "ballast").unlink()
    merged(stack_of(large), small_disk / "out")
    merged(stack_of(large), tmp_path / "elsewhere")
    assert settled_bytes(small_disk / "out") == settled_bytes(tmp_path / "elsewhere")


def test_a_disk_that_fills_up_behind_the_weights_keeps_them(large, small_disk):
    """The shards are allocated; config, card and manifest find no room any more."""

    def fill_up(done, total):
        ballast = small_disk / "ballast"
        if done == total and not ballast.exists():
            ballast.write_bytes(bytes(space.free_bytes(small_disk)))

    with pytest.raises(DiskFullError, match=r"\d\.\d\d kB are free"):
        merged(stack_of(large), small_disk / "out", fill_up)
    assert not (small_disk / "out").exists()
    assert list(partial_model(small_disk / "out").glob("*.safetensors"))
    (small_disk / "ballast").unlink()
    seen = []
    merged(stack_of(large), small_disk / "out", lambda done, total: seen.append((done, total)))
    assert seen[0][0] == seen[0][1] > MEGABYTE


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["writer.allocate", "writer.write_all", "journal.sync_file"])
def test_a_full_disk_has_one_message_wherever_it_shows(base, tmp_path, monkeypatch, call, code):
    def full(*_arguments):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(f"engine.merge.{call}", full)
        with pytest.raises(DiskFullError, match="the disk is too full") as raised:
            merged(stack_of(base), tmp_path / "out")
    is_begun = partial_of(tmp_path / "out").journal.exists()
    assert ("continues where it stopped" in str(raised.value)) == is_begun == (call == "journal.sync_file")
    assert not (tmp_path / "out").exists()
    merged(stack_of(base), tmp_path / "out")


@pytest.mark.parametrize("files", [1, 2, 3, 4, 5, 6])
def test_a_disk_that_can_hold_no_more_files_says_so(base, files, tmp_path):
    mount = mounted(tmp_path / "disk", f"size=4m,nr_inodes={files}")
    try:
        with pytest.raises(MachineError, match=r"MB are free, but only \d more files can be made"):
            merged(stack_of(base), mount / "deep/out")
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_bytes_that_suffice_are_not_blamed(base, tmp_path, monkeypatch):
    def over_quota(*_arguments, **_settings):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr("engine.merge.partial.Path.mkdir", over_quota)
    with pytest.raises(MachineError, match="a quota ran out"):
        merged(stack_of(base), tmp_path / "deep/out")


def test_what_is_allocated_is_not_needed_again(base, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        merged(stack_of(base), tmp_path / "out", interrupting)
    monkeypatch.setattr(space, "free_bytes", lambda _directory: 0)
    merged(stack_of(base), tmp_path / "out")
    with pytest.raises(MachineError, match="too full"):
        merged(stack_of(base), tmp_path / "another")


def interrupting(_done, _total):
    raise KeyboardInterrupt


def test_no_permission_has_one_message(base, tmp_path, monkeypatch):
    def forbidden(path, *_arguments, **_settings):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("engine.merge.partial.Path.mkdir", forbidden)
    with pytest.raises(MachineError, match=r"dlec-partial cannot be written: Permission denied") as raised:
        merged(stack_of(base), tmp_path / "out")
    assert "Choose another output" in raised.value.fix


def test_a_file_in_the_way_of_the_parent_has_one_message(base, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be written: Not a directory"):
        merged(stack_of(base), tmp_path / "file/out")
    assert partial_of(tmp_path / "file/out").out == tmp_path / "file/out"
