"""Gives up a merge: what it has written so far is removed, what it has published stays."""

from pathlib import Path

from engine.errors import machine_error
from engine.merge.lock import locked
from engine.merge.partial import clear, is_owned_by_another, partial_of
from engine.merge.publish import recover


def discard(out: Path, job: str = "") -> None:
    """Remove what an unfinished merge has left beside `out`; a publication that was begun is finished instead.

    job: the uuid of the job that merged, "" for a merge that no job did; what others have begun stays. Raises
    UsageError while somebody merges into the output, MachineError when it cannot be removed.
    """
    partial = partial_of(out, job)
    try:
        if not partial.root.exists() or is_owned_by_another(partial):
            return
        with locked(partial):
            recover(partial)
            clear(partial)
    except OSError as error:
        raise machine_error(
            f"{error.filename or partial.root} cannot be removed",
            error,
            fix=f"Remove {partial.root} when nothing merges into {partial.out}.",
        ) from error
