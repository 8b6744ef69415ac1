"""`python -m engine.tasks`: the process in which tasks run. See engine.protocol for how it talks.

A request is {"task", "request", "log"}: the name of the task, its own request, and, if given, the file to which
everything that libraries print is appended. The task's request may name a "working_directory", in which relative
references of a plan are resolved. The argument is only a name for the process.
"""

import os
import sys
from importlib import import_module
from typing import Any

from engine.errors import UsageError, system_reason
from engine.protocol import Report, serve
from engine.tasks.specs import spec_of


def run(request: dict[str, Any], report: Report) -> dict[str, Any]:
    module = spec_of(request["task"]).module
    if not module:
        raise SystemExit(f"unknown task: {request['task']}")
    if log := request.get("log"):
        _print_into(log)
    if directory := request["request"].get("working_directory"):
        _go_to(directory)
    answer: dict[str, Any] = import_module(module).run(request["request"], report)
    return answer


def _print_into(log: str) -> None:
    """Let this process, its C libraries and its children write to the end of `log` from here on."""
    sys.stderr.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.dup2(descriptor, sys.stderr.fileno())
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


def _go_to(directory: str) -> None:
    """Enter the directory of the caller, so that relative references mean the same. Raises UsageError."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be entered",
            why=system_reason(error),
            fix="It is where the plan was submitted, whose relative references are looked up there. Submit it again.",
        ) from error


if __name__ == "__main__":
    serve(run)
