"""Runs a task or a module of engine.inference in a process of its own: torch's memory and crashes stay there."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import engine
from engine import errors
from engine.errors import DlecError, MachineError, shown
from engine.protocol import Report, silent

_LAST_LINES = 3


def run_task(name: str, request: Mapping[str, Any], on_progress: Report = silent) -> dict[str, Any]:
    """The answer of the task `name` to `request`; see `run_child` for what is raised."""
    return _asked(["engine.tasks", name], request, on_progress)


def run_child(module: str, request: Mapping[str, Any], on_progress: Report = silent) -> dict[str, Any]:
    """The answer of `python -m module` to `request`.

    Raises the DlecError that the child reports, or MachineError when it crashes or is killed.
    """
    return _asked([module], request, on_progress)


def _asked(arguments: list[str], request: Mapping[str, Any], on_progress: Report) -> dict[str, Any]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as talk:
        with _started(arguments, talk) as process:
            try:
                answer = _conversation(process, request, on_progress)
            except BaseException:
                process.kill()
                raise
        if answer is None:
            talk.seek(0)
            raise _failure(arguments[-1], process.returncode, talk.read())
    return answer


def _started(arguments: list[str], talk: IO[str]) -> "subprocess.Popen[str]":
    # -P: a gguf.py or torch.py in the user's working directory must not be taken for the library.
    command = [sys.executable, "-P", "-m", *arguments]
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=talk, text=True, env=_environment())
    except OSError as error:
        raise MachineError(f"{arguments[-1]} cannot be started", why=error.strerror or str(error)) from error


def _environment() -> dict[str, str]:
    """The user's, offline (children open local directories only), with this very engine importable."""
    engine_root = str(Path(engine.__file__).parent.parent)
    paths = [engine_root, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "HF_HUB_OFFLINE": "1"}


def _conversation(
    process: "subprocess.Popen[str]", request: Mapping[str, Any], on_progress: Report
) -> dict[str, Any] | None:
    """The child's answer, its progress passed on; None when it ends without one."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin:
            json.dump(request, process.stdin)
    except BrokenPipeError:
        return None
    for line in process.stdout:
        said = json.loads(line)
        if "error" in said:
            raise _reported(said["error"])
        if "answer" in said:
            answer: dict[str, Any] = said["answer"]
            return answer
        on_progress(*said["progress"])
    return None


def _reported(error: Mapping[str, str]) -> DlecError:
    kind = getattr(errors, error["kind"], DlecError)
    reported: DlecError = kind(error["what"], why=error["why"], fix=error["fix"])
    return reported


def _failure(name: str, code: int, talk: str) -> MachineError:
    """Why there is no answer, from how the process ended and what it said on stderr."""
    if code == -signal.SIGKILL:
        return MachineError(f"{name} was killed", why="probably because memory ran out", fix="Free some memory.")
    if code < 0:
        return MachineError(f"{name} crashed", why=f"{signal.Signals(-code).name}; {_last_lines(talk)}")
    return MachineError(f"{name} {'failed' if code else 'gave no answer'}", why=_last_lines(talk))


def _last_lines(talk: str) -> str:
    lines = [shown(line.strip()) for line in talk.splitlines() if line.strip()]
    return " / ".join(lines[-_LAST_LINES:]) or "it said nothing"
