"""Gives up a merge: what it has written so far is removed, what it has published stays."""

from pathlib import Path

from engine.errors import MachineError
from engine.merge.lock import locked
from engine.merge.partial import clear, partial_of
from engine.merge.publish import recover


def discard(out: Path) -> None:
    """Remove what an unfinished merge into `out` has left beside it; a publication that was begun is finished instead.

    Raises UsageError while somebody merges into it, MachineError when it cannot be removed.
    """
    partial = partial_of(out)
    try:
        if not partial.root.exists():
            return
        with locked(partial):
            recover(partial)
            clear(partial)
    except OSError as error:
        raise MachineError(
            f"{error.filename or partial.root} cannot be removed",
            why=error.strerror or str(error),
            fix=f"Remove {partial.root} when nothing merges into {partial.out}.",
        ) from error
