"""How a module of this package talks when it runs as its own process: one JSON request in, one JSON answer out."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from engine.errors import DlecError

Handler: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""From a request to an answer. May raise DlecError."""


def serve(handler: Handler) -> None:
    """Answer the request on stdin with the last line of stdout; whatever libraries print goes to stderr.

    A DlecError becomes {"error": {"kind", "what", "why", "fix"}}; any other exception ends the process.
    """
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.load(sys.stdin)
    try:
        answer = handler(request)
    except DlecError as error:
        kind = type(error).__name__
        answer = {"error": {"kind": kind, "what": error.what, "why": error.why, "fix": error.fix}}
    sys.stdout.flush()
    with os.fdopen(answers, "w", encoding="utf-8") as out:
        out.write(json.dumps(answer) + "\n")
