"""Whether transformers loads a checkpoint, and every layer is the kind of layer it was: asked of a child process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.checkpoint.load_check import LoadCheck, load_check_of
from engine.errors import MachineError
from engine.tasks.process import run_child

__all__ = ["MODULE", "LoadCheck", "as_json", "load_check"]

MODULE = "engine.inference.loadcheck"


def as_json(found: LoadCheck | None) -> dict[str, Any] | None:
    """A check as `--json` prints it; None when none was made."""
    if found is None:
        return None
    return {
        "ok": found.ok,
        "architecture": found.architecture,
        "missing": list(found.missing),
        "unexpected": list(found.unexpected),
        "mismatched": list(found.mismatched),
        "differences": list(found.differences),
        "inherited": list(found.inherited),
        "behind": list(found.behind),
        "unavailable": found.unavailable,
        "seconds": round(found.seconds, 3),
        "peak_bytes": found.peak_bytes,
    }


def load_check(directory: Path, visits: Sequence[tuple[Path, int]] | None = None) -> LoadCheck:
    """Check `directory`; with `visits`, also each layer against (source directory, layer) that it was copied from.

    A child process that fails or is killed says nothing of the checkpoint: the check is unavailable then.
    """
    try:
        return load_check_of(run_child(MODULE, {"directory": str(directory.absolute()), "visits": listed(visits)}))
    except MachineError as error:
        return LoadCheck(unavailable=error.line)


def listed(visits: Sequence[tuple[Path, int]] | None) -> list[list[Any]] | None:
    """As the child process wants them."""
    return None if visits is None else [[str(source.absolute()), layer] for source, layer in visits]
