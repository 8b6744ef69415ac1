"""Report of every exception of a verb: a message on stderr, an object on stdout with --json, an exit code."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import platformdirs

from dlec_tui.cli.exit_codes import INTERRUPTED, NO_READER, USAGE, code_of
from dlec_tui.wording import printable
from engine.errors import (
    DlecError,
    MachineError,
    NotFoundError,
    UnexpectedError,
    contained,
    machine_error,
    system_reason,
)

STORE = "dlec.store"
"""Key of click's `meta`: path of the store that the verb uses."""

CONTINUED = ("merge", "demo", "download", "sweep")
"""Verbs and groups whose work is kept if they are interrupted."""


@contextmanager
def failures_reported(words: Sequence[str], meta: MutableMapping[str, Any]) -> Iterator[None]:
    """Report any exception and end the process with its exit code. Raises only click's Exit.

    words: arguments of `dlec`. meta: click's; names the store whose directory receives the file with the traceback.
    """
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        _interrupted(words)
    except BrokenPipeError:
        forget_stdout()
        raise click.exceptions.Exit(NO_READER) from None
    except click.ClickException as error:
        _usage_error(error, words)
    except Exception as error:
        _failed(_translated(error, words, meta), words)


def say_error(message: str) -> None:
    """Print an error message to stderr, with control characters escaped."""
    with suppress(OSError):  # the exit code still reports it
        click.echo(f"{click.style('Error', fg='red', bold=True)}: {printable(message)}", err=True)


def error_as_json(error: DlecError) -> dict[str, object]:
    """Return the fields of an error, including its path, line and column if they are known."""
    fields = {"kind": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}
    return {**fields, "exit_code": code_of(error), **error.where}


def forget_stdout() -> None:
    """Redirect stdout to /dev/null, so that the final flush of the interpreter cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: DlecError, words: Sequence[str]) -> NoReturn:
    say_error(str(error))
    _end(words, error_as_json(error), code_of(error))


def _usage_error(error: click.ClickException, words: Sequence[str]) -> NoReturn:
    """Report an error of click, with control characters of its arguments escaped."""
    vars(error).update(message=printable(error.message))
    with suppress(OSError):
        error.show()
    context = getattr(error, "ctx", None)
    fix = f"See {context.command_path} --help." if context else ""
    _end(
        words, {"kind": "UsageError", "what": error.format_message(), "why": "", "fix": fix, "exit_code": USAGE}, USAGE
    )


def _interrupted(words: Sequence[str]) -> NoReturn:
    fix = "run the same command to resume" if set(CONTINUED) & set(words[:3]) else ""
    with suppress(OSError):
        click.echo(f"\ninterrupted{'; ' * bool(fix)}{fix}", err=True)
    data = {"kind": "Interrupted", "what": "interrupted", "why": "", "fix": fix, "exit_code": INTERRUPTED}
    _end(words, data, INTERRUPTED)


def _end(words: Sequence[str], error: dict[str, object], code: int) -> NoReturn:
    try:
        if "--json" in words:
            click.echo(json.dumps({"error": error}))
    except OSError:  # full disk or broken pipe: the exit code reports the first error
        forget_stdout()
    raise click.exceptions.Exit(code) from None


def _translated(error: Exception, words: Sequence[str], meta: MutableMapping[str, Any]) -> DlecError:
    """Translate an exception into a DlecError. The traceback of an unexpected one is written to a file."""
    if isinstance(error, OSError) and not isinstance(error, UnicodeError):
        return _system_error(error)
    translated = contained("unexpected error", error)
    if not isinstance(translated, UnexpectedError) or "traceback" in translated.where:
        return translated
    store: Path | None = meta.get(STORE)
    file = kept(f"dlec {' '.join(words)}\n\n{''.join(traceback.format_exception(error))}", store and store.parent)
    where = f"traceback in {file}" if file else "no file could be written for the traceback"
    return UnexpectedError(
        translated.what, why=f"{translated.why or translated.fix}; {where}", where={"traceback": file and str(file)}
    )


def _system_error(error: OSError) -> DlecError:
    if _is_of_echo(error):
        forget_stdout()
        return machine_error("the output cannot be printed", error)
    name, reason = str(error.filename or "the system"), system_reason(error)
    where = {"path": str(error.filename)} if error.filename else {}
    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    return (NotFoundError if is_missing else MachineError)(name, why=reason, where=where)


def _is_of_echo(error: OSError) -> bool:
    """Return True if printing raised the error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.name == "echo" and Path(last.filename).parent.name == "click"


def kept(text: str, home: Path | None) -> Path | None:
    """Write `text` to a new file and return its path, or None if no directory is writable.

    home: directory of the store, if known.
    """
    name = f"crash-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    for directory in _directories(home):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _write_private(directory / name, text)
        except OSError:
            continue
        return directory / name
    return None


def _directories(home: Path | None) -> Iterator[Path]:
    """Candidate directories: the logs of an existing store, the user's cache, the temporary directory."""
    if home is not None and home.is_dir():
        yield home / "logs"
    yield platformdirs.user_cache_path("dlec", appauthor=False)
    yield Path(tempfile.gettempdir())


def _write_private(file: Path, text: str) -> None:
    """Write a file that only the user can read: a traceback may contain prompts and paths. Follows no existing link."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
