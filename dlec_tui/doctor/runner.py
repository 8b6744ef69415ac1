"""Runs checks in parallel, each with a time limit.

A check can hang forever: on a network disk whose server is gone, or in a GPU driver.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread

from dlec_tui.doctor.result import Finding, note
from engine.errors import DlecError, shown

SECONDS = 5.0
"""Default time limit, more than twice that of one external command."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    name: str
    look: Callable[[], Finding]
    seconds: float = SECONDS
    """Time limit."""


def examined(checks: Sequence[Check]) -> dict[str, Finding]:
    """Result of each check by name. Never raises, and takes no longer than the longest time limit."""
    results: dict[str, Finding] = {}
    started = time.monotonic()
    threads = [_started(check, results) for check in checks]
    for check, thread in zip(checks, threads, strict=True):
        thread.join(max(0.0, started + check.seconds - time.monotonic()))
    return {check.name: results.get(check.name, _unanswered(check)) for check in checks}


def _started(check: Check, results: dict[str, Finding]) -> Thread:
    def look() -> None:
        results[check.name] = _looked_at(check)

    thread = Thread(target=look, daemon=True)  # the process may end before it
    thread.start()
    return thread


def _looked_at(check: Check) -> Finding:
    try:
        return check.look()
    except DlecError as error:
        return note(f"unknown: {shown(error.line)}", shown(error.fix))
    except Exception as error:  # whatever is odd about this machine, the other findings are wanted all the more
        return note(f"unknown: {shown(f'{type(error).__name__}: {error}')}")


def _unanswered(check: Check) -> Finding:
    return note(f"unknown: timed out after {check.seconds:g} s")
