"""`python -m engine.tasks NAME`: the process in which a task runs. See engine.protocol for how it talks."""

import sys
from importlib import import_module
from typing import Any

from engine.protocol import Report, serve

TASKS = ("profile", "score", "preview", "prove", "generate", "propose", "classic")
"""Modules of this package whose `run(request, report)` does the work."""


def run(request: dict[str, Any], report: Report) -> dict[str, Any]:
    name = sys.argv[1]
    if name not in TASKS:
        raise SystemExit(f"there is no task {name}")
    answer: dict[str, Any] = import_module(f"engine.tasks.{name}").run(request, report)
    return answer


if __name__ == "__main__":
    serve(run)
