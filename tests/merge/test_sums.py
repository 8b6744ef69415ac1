"""What sums promise: coreutils reads ours, and we read coreutils'."""

import subprocess

import pytest

from engine.errors import CheckpointError
from engine.merge.integrity import mismatches, sums_text

NAMES = ["plain", "with space", "back\\slash", "new\nline", "deep/er", "ümlaut"]


@pytest.fixture
def directory(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_the_text_is_that_of_sha256sum(directory):
    names = sorted(NAMES)
    command = ["sha256sum", "--", *names]
    expected = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    assert sorted(sums_text(directory).splitlines()) == sorted(expected.splitlines())


def test_our_own_sums_hold(directory):
    (directory / "SHA256SUMS").write_text(sums_text(directory))
    assert list(mismatches(directory)) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_changed_file_is_named(directory, name):
    (directory / "SHA256SUMS").write_text(sums_text(directory))
    (directory / name).write_text("changed")
    assert list(mismatches(directory)) == [name]


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "deep/../../outside"])
def test_a_name_outside_of_the_directory_is_refused(directory, name):
    (directory / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    with pytest.raises(CheckpointError, match="line 1 names .*which is not below it"):
        list(mismatches(directory))


def test_a_line_that_is_no_sum_is_refused_by_number(directory):
    (directory / "SHA256SUMS").write_text(sums_text(directory) + "not a sum\n")
    with pytest.raises(CheckpointError, match="line 7 is not a sum"):
        list(mismatches(directory))
