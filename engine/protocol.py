"""How a process of the engine talks: JSON requests on stdin, a line each; JSON lines on stdout.

    {"progress": [done, total, what]}             as often as there is something to say
    {"answer": {...}}                             the last line about a request, or
    {"error": {"kind", "what", "why", "fix"}}     the last line when a DlecError was raised

Any other exception ends the process, as does the end of stdin, and the death of whoever started it.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine import errors
from engine.errors import DlecError
from engine.processes import die_with_parent

Report: TypeAlias = Callable[[int, int, str], None]
"""Called with (done, total, what is being done); the unit of both numbers is the task's."""

Handler: TypeAlias = Callable[[dict[str, Any], Report], dict[str, Any]]
"""From a request to an answer. May raise DlecError."""


def silent(_done: int, _total: int, _what: str) -> None:
    """A Report that nobody reads."""


def serve(handler: Handler) -> None:
    """Answer the requests on stdin, one after another; whatever libraries print goes to stderr."""
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
            sys.stdout.flush()


def as_data(error: DlecError) -> dict[str, str]:
    """An error as JSON."""
    return {"kind": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}


def from_data(data: Mapping[str, str]) -> DlecError:
    """And back."""
    kind = getattr(errors, data["kind"], DlecError)
    error: DlecError = kind(data["what"], why=data["why"], fix=data["fix"])
    return error
