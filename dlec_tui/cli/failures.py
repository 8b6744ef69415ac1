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
"""Key of click's `meta`: the path of the store that a verb has been given, where one has."""

CONTINUED = ("merge", "demo", "download", "sweep")
"""Verbs and groups of verbs whose work is kept when they are interrupted."""


@contextmanager
def failures_reported(words: Sequence[str], meta: MutableMapping[str, Any]) -> Iterator[None]:
    """End the process with the exit code of whatever is raised, after saying so. Raises click's Exit alone.

    words: the arguments of `dlec`; meta: click's, for the store whose home takes the file with a traceback.
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
    """`message` on stderr, marked as an error; what is in it cannot steer the terminal."""
    with suppress(OSError):  # the exit code is left to say it
        click.echo(f"{click.style('Error', fg='red', bold=True)}: {printable(message)}", err=True)


def error_as_json(error: DlecError) -> dict[str, object]:
    """The fields of every error on stdout; those of its place only where it has one."""
    fields = {"kind": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}
    return {**fields, "exit_code": code_of(error), **error.where}


def forget_stdout() -> None:
    """Keep the interpreter's last flush from failing again where stdout cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: DlecError, words: Sequence[str]) -> NoReturn:
    say_error(str(error))
    _end(words, error_as_json(error), code_of(error))


def _usage_error(error: click.ClickException, words: Sequence[str]) -> NoReturn:
    """click repeats arguments in its messages as they are."""
    vars(error).update(message=printable(error.message))
    with suppress(OSError):
        error.show()
    context = getattr(error, "ctx", None)
    fix = f"See {context.command_path} --help." if context else ""
    _end(
        words, {"kind": "UsageError", "what": error.format_message(), "why": "", "fix": fix, "exit_code": USAGE}, USAGE
    )


def _interrupted(words: Sequence[str]) -> NoReturn:
    fix = "the same command continues where this one stopped" if set(CONTINUED) & set(words[:3]) else ""
    with suppress(OSError):
        click.echo(f"\ninterrupted{'; ' * bool(fix)}{fix}", err=True)
    data = {"kind": "Interrupted", "what": "interrupted", "why": "", "fix": fix, "exit_code": INTERRUPTED}
    _end(words, data, INTERRUPTED)


def _end(words: Sequence[str], error: dict[str, object], code: int) -> NoReturn:
    try:
        if "--json" in words:
            click.echo(json.dumps({"error": error}))
    except OSError:  # a full disk, a reader that is gone: the code says what failed first
        forget_stdout()
    raise click.exceptions.Exit(code) from None


def _translated(error: Exception, words: Sequence[str], meta: MutableMapping[str, Any]) -> DlecError:
    """As the user is to read it. The traceback of what nobody expected goes to a file."""
    if isinstance(error, OSError) and not isinstance(error, UnicodeError):
        return _system_error(error)
    told = contained("unexpected error", error)
    if not isinstance(told, UnexpectedError) or "traceback" in told.where:
        return told
    store: Path | None = meta.get(STORE)
    file = kept(f"dlec {' '.join(words)}\n\n{''.join(traceback.format_exception(error))}", store and store.parent)
    where = f"traceback in {file}" if file else "no file could be written for the traceback"
    return UnexpectedError(told.what, why=f"{told.why or told.fix}; {where}", where={"traceback": file and str(file)})


def _system_error(error: OSError) -> DlecError:
    if _is_of_echo(error):
        forget_stdout()
        return machine_error("the output cannot be printed", error)
    name, reason = str(error.filename or "the system"), system_reason(error)
    where = {"path": str(error.filename)} if error.filename else {}
    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    return (NotFoundError if is_missing else MachineError)(name, why=reason, where=where)


def _is_of_echo(error: OSError) -> bool:
    """Whether it was raised by printing; such an error names no file."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.name == "echo" and Path(last.filename).parent.name == "click"


def kept(text: str, home: Path | None) -> Path | None:
    """The file that `text` was written to; None when none can be written.

    home: the directory of the store, where one is known.
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
    """The logs of a store that exists, the user's cache, the directory for temporary files."""
    if home is not None and home.is_dir():
        yield home / "logs"
    yield platformdirs.user_cache_path("dlec", appauthor=False)
    yield Path(tempfile.gettempdir())


def _write_private(file: Path, text: str) -> None:
    """A traceback may repeat prompts and paths. Raises FileExistsError rather than follow somebody's link."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
