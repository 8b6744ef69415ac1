"""Protocol of the engine's processes: JSON requests on stdin, one per line; JSON lines on stdout.

    {"progress": [done, total, what]}             any number of times
    {"answer": {...}}                             the last line about a request, or
    {"error": {"kind", "what", "why", "fix"}}     the last line when an exception was raised

An exception other than a DlecError is reported as one, its traceback goes to stderr, and the process ends: its memory
is no longer trusted. The process also ends with stdin, and with the process that started it.
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
"""Progress callback, called with (done, total, current step); the task defines the unit of both numbers."""

Handler: TypeAlias = Callable[[dict[str, Any], Report], dict[str, Any]]
"""A function that answers a request. May raise DlecError."""


def no_report(_done: int, _total: int, _what: str) -> None:
    """Ignore progress: the Report of callers that show none."""


def serve(handler: Handler) -> None:
    """Answer the requests on stdin in order; output of libraries goes to stderr."""
    die_with_parent()
    lines = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(lines, "w", encoding="utf-8", buffering=1) as out:

        def say(line: Mapping[str, Any]) -> None:
            out.write(json.dumps(line) + "\n")

        for request in sys.stdin:
            try:
                say({"answer": handler(json.loads(request), lambda *progress: say({"progress": progress}))})
            except DlecError as error:
                say({"error": as_data(error)})
            except Exception as error:
                sys.excepthook(type(error), error, error.__traceback__)
                say({"error": as_data(contained("an unexpected error ended the task", error))})
                raise SystemExit(1) from error
            sys.stdout.flush()


def as_data(error: DlecError) -> dict[str, str]:
    """An error as JSON."""
    return {"kind": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}


def from_data(data: Mapping[str, str]) -> DlecError:
    """An error from JSON. A kind that this version does not know becomes a plain DlecError."""
    kind = _KINDS.get(data.get("kind", ""), DlecError)
    return kind(data.get("what", "an error without a description"), why=data.get("why", ""), fix=data.get("fix", ""))


_KINDS: Mapping[str, type[DlecError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, DlecError)
}
"""Error classes by name."""
