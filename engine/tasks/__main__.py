"""`python -m engine.tasks`: the process in which tasks run. See engine.protocol for how it talks.

A request is {"task", "request", "log"}: the name of the task, what it is asked, and, when given, the file to which
everything that libraries print about it is appended. An argument is only a name for the process.
"""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from engine.protocol import Report, serve

TASKS: Mapping[str, str] = {
    "profile": "engine.tasks.profile",
    "score": "engine.tasks.score",
    "preview": "engine.tasks.preview",
    "prove": "engine.tasks.prove",
    "generate": "engine.tasks.generate",
    "propose": "engine.tasks.propose",
    "classic": "engine.tasks.classic",
    "merge": "engine.tasks.merge",
    "verify": "engine.tasks.verify",
    "download": "engine.tasks.download",
}
"""The module whose `run(request, report)` does the work."""


def run(asked: dict[str, Any], report: Report) -> dict[str, Any]:
    if asked["task"] not in TASKS:
        raise SystemExit(f"there is no task {asked['task']}")
    if log := asked.get("log"):
        _print_into(log)
    answer: dict[str, Any] = import_module(TASKS[asked["task"]]).run(asked["request"], report)
    return answer


def _print_into(log: str) -> None:
    """Let this process, its C libraries and its children write to the end of `log` from here on."""
    sys.stderr.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.dup2(descriptor, sys.stderr.fileno())
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


if __name__ == "__main__":
    serve(run)
