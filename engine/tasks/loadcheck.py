"""Load check of a checkpoint in a child process: transformers opens it, and every layer has its source's kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.checkpoint.load_check import LoadCheck, load_check_of
from engine.errors import MachineError
from engine.tasks.process import run_child

__all__ = ["MODULE", "LoadCheck", "as_json", "load_check"]

MODULE = "engine.inference.loadcheck"


def as_json(check: LoadCheck | None) -> dict[str, Any] | None:
    """Return a check as `--json` prints it; None if there was none."""
    if check is None:
        return None
    return {
        "ok": check.ok,
        "architecture": check.architecture,
        "missing": list(check.missing),
        "unexpected": list(check.unexpected),
        "mismatched": list(check.mismatched),
        "differences": list(check.differences),
        "inherited": list(check.inherited),
        "unopened": list(check.unopened),
        "unavailable": check.unavailable,
        "seconds": round(check.seconds, 3),
        "peak_bytes": check.peak_bytes,
    }


def load_check(directory: Path, visits: Sequence[tuple[Path, int]] | None = None) -> LoadCheck:
    """Check `directory`; with `visits`, also each layer against (source directory, layer) that it was copied from.

    If the child process fails or is killed, nothing is known about the checkpoint: the check is unavailable.
    """
    try:
        return load_check_of(run_child(MODULE, {"directory": str(directory.absolute()), "visits": listed(visits)}))
    except MachineError as error:
        return LoadCheck(unavailable=error.line)


def listed(visits: Sequence[tuple[Path, int]] | None) -> list[list[Any]] | None:
    """Return the visits as the child process reads them."""
    return None if visits is None else [[str(source.absolute()), layer] for source, layer in visits]
