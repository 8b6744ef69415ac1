"""Files appear whole or not at all, whoever writes them at the same time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.files import write_whole

WRITER = """
import sys
from pathlib import Path
from engine.files import write_whole
for _ in range(40):
    write_whole(Path(sys.argv[1]), sys.argv[2] * 10_000)
"""


def is_whole(text: str) -> bool:
    return len(text) == 10_000 and len(set(text)) == 1


def test_threads_that_write_the_same_file_at_once_disturb_neither_each_other_nor_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    write_whole(path, "0" * 10_000)
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write_whole, path, letter * 10_000) for letter in "abcdefgh" * 20]
        while not all(one.done() for one in writing):
            assert is_whole(path.read_text())
        for one in writing:
            one.result()
    assert is_whole(path.read_text())
    assert [each.name for each in tmp_path.iterdir()] == ["plan.yaml"]


def test_processes_do_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    root = Path(__file__).parents[1]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, letter], cwd=root) for letter in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert is_whole(path.read_text())
    assert [each.name for each in tmp_path.iterdir()] == ["plan.yaml"]


def test_a_file_is_made_as_any_other_program_makes_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", "")
    (tmp_path / "theirs").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), "text")
    assert (tmp_path / ("n" * 255)).read_text() == "text"


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()], ids=["error", "interruption"])
def test_what_could_not_be_written_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    (tmp_path / "file").write_text("old")

    def fails(_descriptor: int) -> None:
        raise error

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(type(error)):
        write_whole(tmp_path / "file", "new")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "old")]
