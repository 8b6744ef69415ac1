"""Output of other programs, with a timeout."""

import subprocess
from collections.abc import Sequence

from engine.errors import MachineError, machine_error, shown

SECONDS = 2.0
"""Default timeout, for programs that only look something up."""


def output_of(command: Sequence[str], seconds: float = SECONDS) -> str:
    """Run `command` and return its stdout.

    Raises MachineError for a program that is missing, fails, or has not ended after `seconds`.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{command[0]} timed out after {seconds:g} s") from error
    except OSError as error:
        raise machine_error(f"{command[0]} cannot be run", error) from error
    if done.returncode != 0:
        raise MachineError(f"{command[0]} failed", why=_last_line(done.stderr) or f"exit code {done.returncode}")
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shown(lines[-1]) if lines else ""
