"""The user's own editor on a text."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.errors import MachineError, escaped, system_reason


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """$VISUAL, else $EDITOR, else vi."""
    command = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        return shlex.split(command) or ["vi"]
    except ValueError as error:
        raise MachineError(f"$EDITOR is not a valid command: {escaped(command)}", why=str(error)) from error


def edited_outside(text: str, name: str) -> str:
    """The text as the editor leaves it; the file it was given is gone afterwards.

    Raises MachineError when there is no such editor, when it fails, and when it leaves no UTF-8 text.
    """
    command = editor_command(os.environ)
    with tempfile.TemporaryDirectory(prefix="dlec-") as directory:
        file = Path(directory) / name
        file.write_bytes(text.encode())
        try:
            status = subprocess.run([*command, str(file)], check=False).returncode
            if status:
                raise MachineError(
                    f"{escaped(command[0])} exited with status {status}",
                    why="the plan is unchanged",
                    fix="Set another editor: export EDITOR=...",
                )
            return file.read_bytes().decode()
        except OSError as error:
            why = system_reason(error)
            raise MachineError(
                f"{escaped(command[0])} cannot be started", why=why, fix="Set another editor: export EDITOR=..."
            ) from error
        except UnicodeDecodeError as error:
            raise MachineError("the editor wrote text that is not UTF-8", why="the plan is unchanged") from error
