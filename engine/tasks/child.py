"""Runs a module of engine.inference in a process of its own, so that torch's memory and crashes stay there."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import engine
from engine import errors
from engine.errors import DlecError, MachineError, shown

_LAST_LINES = 3


def run_child(module: str, request: Mapping[str, Any], timeout: float | None = None) -> dict[str, Any]:
    """The answer of `python -m module` to `request`, after at most `timeout` seconds.

    Raises the DlecError that the child reports, or MachineError when it crashes, is killed or takes too long.
    """
    # -P: a gguf.py or torch.py in the user's working directory must not be taken for the library.
    command = [sys.executable, "-P", "-m", module]
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, timeout=timeout, env=_environment()
        )
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{module} did not finish", why=f"it was stopped after {timeout:.0f} s") from error
    except OSError as error:
        raise MachineError(f"{module} cannot be started", why=error.strerror or str(error)) from error
    if done.returncode != 0:
        raise _crash(module, done.returncode, done.stderr)
    return _answer(module, done.stdout, done.stderr)


def _environment() -> dict[str, str]:
    """The user's, offline (children open local directories only), with this very engine importable."""
    engine_root = str(Path(engine.__file__).parent.parent)
    paths = [engine_root, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "HF_HUB_OFFLINE": "1"}


def _answer(module: str, output: str, talk: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise MachineError(f"{module} gave no answer", why=_last_lines(talk)) from error
    if "error" in answer:
        raise _reported(answer["error"])
    return answer


def _reported(error: Mapping[str, str]) -> DlecError:
    kind = getattr(errors, error["kind"], DlecError)
    reported: DlecError = kind(error["what"], why=error["why"], fix=error["fix"])
    return reported


def _crash(module: str, code: int, talk: str) -> MachineError:
    if code == -signal.SIGKILL:
        return MachineError(f"{module} was killed", why="probably because memory ran out", fix="Free some memory.")
    if code < 0:
        return MachineError(f"{module} crashed", why=f"{signal.Signals(-code).name}; {_last_lines(talk)}")
    return MachineError(f"{module} failed", why=_last_lines(talk))


def _last_lines(talk: str) -> str:
    lines = [shown(line.strip()) for line in talk.splitlines() if line.strip()]
    return " / ".join(lines[-_LAST_LINES:]) or "it said nothing"
