"""How a process of the engine talks: one JSON request on stdin, JSON lines on stdout.

    {"progress": [done, total, what]}             as often as there is something to say
    {"answer": {...}}                             the last line, or
    {"error": {"kind", "what", "why", "fix"}}     the last line when a DlecError was raised

Any other exception ends the process.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.errors import DlecError

Report: TypeAlias = Callable[[int, int, str], None]
"""Called with (done, total, what is being done); the unit of both numbers is the task's."""

Handler: TypeAlias = Callable[[dict[str, Any], Report], dict[str, Any]]
"""From a request to an answer. May raise DlecError."""


def silent(_done: int, _total: int, _what: str) -> None:
    """A Report that nobody reads."""


def serve(handler: Handler) -> None:
    """Answer the request on stdin; whatever libraries print goes to stderr."""
    lines = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.load(sys.stdin)
    with os.fdopen(lines, "w", encoding="utf-8", buffering=1) as out:

        def say(line: Mapping[str, Any]) -> None:
            out.write(json.dumps(line) + "\n")

        try:
            say({"answer": handler(request, lambda *progress: say({"progress": progress}))})
        except DlecError as error:
            say({"error": {"kind": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}})
        sys.stdout.flush()
