"""Protocol of the engine's processes: one JSON request per line of stdin, JSON lines on stdout.

    {"progress": [done, total, what]}             any number of times
    {"answer": {...}}                             last line of a request, or
    {"error": {"kind", "what", "why", "fix"}}     last line of a request that raised an exception

An exception other than DlecError is reported as one, its traceback goes to stderr, and the process exits, because its
memory may be corrupt. The process also exits when stdin closes or its parent dies.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine import errors
from engine.errors import DlecError, contained
from engine.processes import die_with_parent

Report: TypeAlias = Callable[[int, int, str], None]
"""Called with (done, total, description); the task defines the unit of both numbers."""

Handler: TypeAlias = Callable[[dict[str, Any], Report], dict[str, Any]]
"""Function from a request to an answer. May raise DlecError."""


def no_report(_done: int, _total: int, _what: str) -> None:
    """Ignore progress; the Report of callers that do not show it."""


def serve(handler: Handler) -> None:
    """Answer the requests on stdin in order; output of libraries goes to stderr."""
    die_with_parent()
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(stdout, "w", encoding="utf-8", buffering=1) as out:

        def write_line(line: Mapping[str, Any]) -> None:
            out.write(json.dumps(line) + "\n")

        for request in sys.stdin:
            try:
                write_line(
                    {"answer": handler(json.loads(request), lambda *progress: write_line({"progress": progress}))}
                )
            except DlecError as error:
                write_line({"error": as_data(error)})
            except Exception as error:
                sys.excepthook(type(error), error, error.__traceback__)
                write_line({"error": as_data(contained("an unexpected error ended the task", error))})
                raise SystemExit(1) from error
            sys.stdout.flush()


def as_data(error: DlecError) -> dict[str, str]:
    """Return an error as JSON data."""
    return {"kind": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}


def from_data(data: Mapping[str, str]) -> DlecError:
    """Return the error that `as_data` wrote; a plain DlecError if its kind is unknown to this version."""
    kind = _KINDS.get(data.get("kind", ""), DlecError)
    return kind(data.get("what", "an error without a description"), why=data.get("why", ""), fix=data.get("fix", ""))


_KINDS: Mapping[str, type[DlecError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, DlecError)
}
"""Error classes by their names."""
