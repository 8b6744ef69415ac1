"""Exit codes and error output."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlec_tui.cli.exit_codes import CODE_OF, MEANINGS
from dlec_tui.cli.main import dlec as command
from engine.errors import CheckpointError, DlecError, MachineError, PlanError, UsageError
from tests.jobs.states import spec
from tests.jobs.workplace import Workplace

pytestmark = pytest.mark.slow

DLEC = [sys.executable, "-m", "dlec_tui"]


def failing(error: BaseException):
    def fail(*_arguments: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CheckpointError("it", why="broken"), 1),
        (PlanError("it", why="broken"), 1),
        (UsageError("it", why="broken"), 2),
        (MachineError("it", why="broken"), 3),
        (PermissionError(13, "broken", "it"), 3),
    ],
)
def test_each_error_is_one_message_on_stderr_and_its_code(dlec, monkeypatch, error: Exception, code: int) -> None:
    monkeypatch.setattr("dlec_tui.cli.models.below", failing(error))
    result = dlec("models")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "Error: it: broken\n")


def test_every_error_class_has_a_code() -> None:
    kinds = {kind for kind in DlecError.__subclasses__() if kind.__module__ == "engine.errors"}
    assert kinds <= set(CODE_OF)
    assert set(CODE_OF.values()) <= set(MEANINGS)


def test_an_interrupt_is_one_line(dlec, monkeypatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.models.below", failing(KeyboardInterrupt()))
    result = dlec("models")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.strip() == "interrupted"


def test_an_interrupted_merge_says_that_it_continues(dlec, monkeypatch, plan: Path) -> None:
    monkeypatch.setattr("dlec_tui.cli.merge.run_merge", failing(KeyboardInterrupt()))
    result = dlec("merge", plan, "out")
    assert result.exit_code == 130
    assert result.stderr.strip() == "interrupted; run the same command to resume"


def test_an_interrupt_while_dlec_is_still_imported_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{python_path()['PYTHONPATH']}"}
    done = subprocess.run([*DLEC, "--help"], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")


def test_a_library_that_cannot_be_imported_is_one_line_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ImportError('no click\\nhere')")
    search = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{python_path()['PYTHONPATH']}", "TMPDIR": str(tmp_path)}
    done = subprocess.run([*DLEC, "--help"], capture_output=True, text=True, env=os.environ | search, cwd=tmp_path)
    [file] = tmp_path.glob("dlec-crash-*.log")
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == f"Error: dlec cannot start: ImportError: no click here; traceback in {file}\n"
    assert "Traceback" in file.read_text()


EVIL = "a\x1b]0;pwned\x07b\x1b[2J\r\x9b1m"


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "check", "evil.yaml"],
        ["merge", "evil.yaml", "out"],
        ["plan", "new", "repeat", EVIL, "--layers", "2:4"],
        ["plan", "new", "repeat", EVIL, "--layers", EVIL],
        ["plan", "new", EVIL],
        ["plan", "check", EVIL],
        ["verify", EVIL],
        [EVIL],
        [f"--{EVIL}"],
        ["models", f"--{EVIL}"],
    ],
)
@pytest.mark.usefixtures("dlec")
def test_nothing_that_is_printed_can_steer_the_terminal(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "evil.yaml").write_text(
        f"merge_method: passthrough\nslices:\n- sources:\n  - model: {json.dumps(EVIL)}\n    layer_range: [0, 4]\n"
    )
    result = CliRunner().invoke(command, arguments, color=True, catch_exceptions=False)
    assert result.exit_code in (1, 2)
    own = re.sub(r"\x1b\[[\d;]*m", "", result.output)
    assert r"\x1b" in own
    assert all(line.isprintable() for line in own.split("\n"))


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["no-such-verb"], ["plan", "check", "nowhere.yaml"]])
def test_what_is_not_understood_ends_with_2(dlec, arguments: list[str]) -> None:
    assert dlec(*arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "check", "--help"]])
def test_asking_for_help_is_fine(dlec, arguments: list[str]) -> None:
    result = dlec(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "dlec" in result.stdout


def test_without_a_terminal_the_help_comes_with_the_reason(dlec) -> None:
    result = dlec()
    assert (result.exit_code, result.stderr) == (0, "The workbench was not opened: standard input is not a terminal.\n")
    assert result.stdout.startswith("Usage: dlec")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["plan", "show", "bad.yaml"],
            {"kind": "PlanError", "path": "bad.yaml", "line": 8, "column": 18, "exit_code": 1},
        ),
        (
            ["merge", "bad.yaml", "out"],
            {"kind": "PlanError", "path": "bad.yaml", "line": 8, "column": 18, "exit_code": 1},
        ),
        (["jobs", "show", "7"], {"kind": "UsageError", "what": "there is no job 7", "exit_code": 2}),
        (["jobs", "show"], {"kind": "UsageError", "what": "Missing argument 'ID'.", "exit_code": 2}),
        (["jobs", "cancel", "7"], {"kind": "UsageError", "what": "there is no job 7", "exit_code": 2}),
        (["batch", "bad.yaml", "--out", "out"], {"kind": "PlanError", "path": "bad.yaml", "exit_code": 1}),
        (["no-such-verb"], {"kind": "UsageError", "exit_code": 2}),
        (["plan", "check", "bad.yaml", "--no-such"], {"kind": "UsageError", "exit_code": 2}),
    ],
)
@pytest.mark.usefixtures("bad_plan")
def test_an_error_as_json_is_an_object_on_stdout_and_text_on_stderr(dlec, arguments, expected) -> None:
    text, data = dlec(*arguments), dlec(*arguments, "--json")
    found = json.loads(data.stdout)["error"]
    assert expected.items() <= found.items()
    assert {"kind", "what", "why", "fix", "exit_code"} <= found.keys()
    assert (data.stderr, data.exit_code) == (text.stderr, text.exit_code)
    assert (found["exit_code"], text.stdout) == (data.exit_code, "")


def test_json_of_several_jobs_holds_the_changed_ones_and_the_error(dlec, tmp_path) -> None:
    place = Workplace(tmp_path / "store")
    job_id = place.submit(spec("one"))
    found = json.loads(dlec("jobs", "cancel", job_id, 99, "--json").stdout)
    assert [(job["id"], job["state"]) for job in found["jobs"]] == [(job_id, "cancelled")]
    assert found["error"]["what"] == "there is no job 99"


def test_an_interrupt_as_json_is_an_error_as_well(dlec, monkeypatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.models.below", failing(KeyboardInterrupt()))
    error = json.loads(dlec("models", "--json").stdout)["error"]
    assert (error["kind"], error["exit_code"]) == ("Interrupted", 130)


def test_warnings_that_make_a_check_fail_are_named(dlec, plan: Path) -> None:
    plan.write_text(plan.read_text() + "entirely_unknown: 1\n")
    assert dlec("plan", "check", plan).exit_code == 0
    result = dlec("plan", "check", plan, "--strict")
    assert result.exit_code == 1
    assert "which --strict treats as errors" in result.stderr


def test_help_lists_the_exit_codes(dlec) -> None:
    lines = re.findall(r"^ +(\d+)  (\w.*)$", dlec("--help").stdout, flags=re.MULTILINE)
    assert {int(code): meaning for code, meaning in lines} == dict(MEANINGS)
    assert all(len(line) <= 80 for line in dlec("--help").stdout.splitlines())


@pytest.mark.parametrize("verb", ["models", "demo"])
def test_a_reader_that_goes_away_is_no_traceback(verb: str, tiny_llama: Path, tmp_path: Path) -> None:
    arguments = {"models": [tiny_llama], "demo": [tmp_path, "--model", tiny_llama]}[verb]
    process = subprocess.Popen([*DLEC, verb, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), stderr) == (141, b"")


@pytest.mark.parametrize(("settings", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_colours_are_for_terminals_that_want_them(tmp_path: Path, settings: dict[str, str], coloured: bool) -> None:
    (tmp_path / "plan.yaml").write_text("- a list\n")
    assert (b"\x1b[" in on_a_terminal(["plan", "check", "plan.yaml"], tmp_path, settings)) is coloured


def on_a_terminal(arguments: list[str], directory: Path, settings: dict[str, str]) -> bytes:
    """What `dlec` writes when stdout is a terminal."""
    terminal, screen = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | settings
    subprocess.run([*DLEC, *arguments], stdout=screen, cwd=directory, env=environment | python_path())
    os.close(screen)
    with os.fdopen(terminal, "rb", buffering=0) as reader:
        return reader.read(65536)


def python_path() -> dict[str, str]:
    """Lets a process in another directory import the checkout."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def silent_index() -> Iterator[str]:
    """A package index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_ctrl_c_during_a_download_ends_with_130_and_one_line(tmp_path: Path, silent_index: str) -> None:
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": silent_index, "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    process = subprocess.Popen(
        [*DLEC, "demo", tmp_path / "demo"], stderr=subprocess.PIPE, env=os.environ | pip, start_new_session=True
    )
    wait_for(tmp_path / "demo")
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr.split(b"\n")[-2] == b"interrupted; run the same command to resume"
    assert b"Traceback" not in stderr


def wait_for(path: Path) -> None:
    import time

    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def ended(tmp_path: Path, words: str, redirections: str) -> subprocess.CompletedProcess[str]:
    """`dlec WORDS` as a shell runs it with these redirections."""
    command_line = f"{' '.join(DLEC)} {words} {redirections}"
    environment = os.environ | python_path() | {"DLEC_HOME": str(tmp_path / "store")}
    return subprocess.run(["sh", "-c", command_line], capture_output=True, text=True, env=environment, cwd=tmp_path)


@FULL
@pytest.mark.parametrize(("words", "code"), [("keys --json", 3), ("plan check gone --json", 2), ("frob --json", 2)])
def test_an_output_that_cannot_be_printed_is_no_traceback(tmp_path: Path, words: str, code: int) -> None:
    done = ended(tmp_path, words, ">/dev/full")
    assert done.returncode == code
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


@FULL
def test_an_error_that_cannot_be_printed_keeps_its_code_and_its_object(tmp_path: Path) -> None:
    done = ended(tmp_path, "plan check gone --json", "2>/dev/full")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["exit_code"] == 2


def test_closed_stderr_leaves_stdout_to_data(tmp_path: Path) -> None:
    done = ended(tmp_path, "frob --json", "2>&-")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["exit_code"] == 2


def test_no_file_takes_the_number_of_a_closed_stream() -> None:
    """Otherwise the output of a library on descriptor 2 would go into a checkpoint or the store."""
    code = "import os, dlec_tui.cli.main as m; m.open_missing_streams(); print(os.open(os.devnull, 0))"
    environment = os.environ | python_path()
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c '{code}' <&- 2>&-"], capture_output=True, text=True, env=environment
    )
    assert int(done.stdout) > 2
