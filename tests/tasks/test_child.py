import traceback
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CheckpointError, MachineError, UnexpectedError
from engine.tasks.process import run_child, run_task, signal_name


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an importable module whose body answers the request."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def made(body: str) -> str:
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        serve = "from engine.protocol import serve\n"
        (tmp_path / "asked.py").write_text(f"{serve}def answer(request, report):\n{lines}\nserve(answer)\n")
        return "asked"

    return made


def test_the_answer_is_what_the_module_returns(module: Any) -> None:
    assert run_child(module("return {'twice': request['n'] * 2}"), {"n": 21}) == {"twice": 42}


def test_what_libraries_print_is_no_part_of_the_answer(module: Any) -> None:
    body = "import os\nprint('loading...')\nos.write(1, b'from C')\nreturn {'fine': True}"
    assert run_child(module(body), {}) == {"fine": True}


def test_a_reported_error_is_raised_as_it_was(module: Any) -> None:
    body = "from engine.errors import CheckpointError\nraise CheckpointError('a', why='b', fix='c')"
    with pytest.raises(CheckpointError) as caught:
        run_child(module(body), {})
    assert (caught.value.what, caught.value.why, caught.value.fix) == ("a", "b", "c")


def test_a_crash_becomes_a_message_with_the_last_lines(module: Any) -> None:
    with pytest.raises(MachineError, match="KeyError: 'gone'"):
        run_child(module("return {}['gone']"), {})


def test_what_a_child_said_before_an_unexpected_error_is_a_note_of_it(module: Any) -> None:
    body = "import sys\nfrom engine.errors import UnexpectedError\nsys.stderr.write('Traceback of the child')\n"
    with pytest.raises(UnexpectedError) as caught:
        run_child(module(f"{body}raise UnexpectedError('it broke')"), {})
    assert "Traceback of the child" in "".join(traceback.format_exception(caught.value))


def test_a_killed_child_is_told_from_a_crashed_one(module: Any) -> None:
    with pytest.raises(MachineError, match="memory"):
        run_child(module("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"), {})
    with pytest.raises(MachineError, match="SIGSEGV"):
        run_child(module("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"), {})


def test_a_file_in_the_working_directory_does_not_shadow_a_library(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "gguf.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(elsewhere)
    assert run_child(module("import gguf\nreturn {'file': gguf.__file__}"), {})["file"] != str(elsewhere / "gguf.py")


def test_children_stay_offline(module: Any) -> None:
    assert run_child(module("import os\nreturn dict(os.environ)"), {})["HF_HUB_OFFLINE"] == "1"


def test_progress_is_passed_on_while_the_child_works(module: Any) -> None:
    heard: list[tuple[int, int, str]] = []
    body = "report(1, 2, 'half')\nreport(2, 2, 'all')\nreturn {}"
    run_child(module(body), {}, lambda *progress: heard.append(progress))
    assert heard == [(1, 2, "half"), (2, 2, "all")]


def test_a_child_whose_asker_gives_up_is_ended(module: Any) -> None:
    def give_up(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child(module("report(1, 2, '')\nimport time\ntime.sleep(60)"), {}, give_up)


def test_much_talk_does_not_block_the_child(module: Any) -> None:
    assert run_child(module("import sys\nsys.stderr.write('x' * 1_000_000)\nreturn {}"), {}) == {}


def test_a_task_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(MachineError, match="unknown task"):
        run_task("no_such_task", {})


@pytest.mark.parametrize(
    ("number", "name"), [(11, "SIGSEGV"), (34, "SIGRTMIN"), (40, "SIGRTMIN+6"), (64, "SIGRTMAX"), (99, "SIGRTMIN+65")]
)
def test_every_signal_has_a_name(number: int, name: str) -> None:
    assert signal_name(number) == name


def test_a_child_that_a_real_time_signal_ended_is_a_crash_like_any_other(module: Any) -> None:
    with pytest.raises(MachineError, match=r"crashed: SIGRTMIN\+6"):
        run_child(module("import os\nos.kill(os.getpid(), 40)"), {})
