"""Which stores can be united with another one: said before anything is written."""

import shlex
from contextlib import closing
from pathlib import Path

from engine.errors import MachineError, UsageError, system_reason
from engine.store.connection import Standing, connect, standing_of
from engine.store.failures import cannot_open
from engine.store.reading import reading_mode, was_left_unfinished


def require_unitable(target: Path, source: Path) -> None:
    """Raises UsageError for a source that is the target itself or no file, MachineError for one that is locked,
    unreadable, damaged at first sight, no store, newer, older, or was left in the middle of a write.
    """
    _require_other_file(target, source)
    if _standing(source) is Standing.OLDER:
        raise _must_be_opened(source, why="it is from an older version of dlec")


def _require_other_file(target: Path, source: Path) -> None:
    try:
        if not source.is_file():
            raise UsageError(f"{source} is not a store", why="it is not a file")
        if target.exists() and target.samefile(source):
            raise UsageError(f"{source} cannot be united with itself", fix="Leave it out, or name another --home.")
    except OSError as error:
        raise cannot_open(source, why=system_reason(error)) from error


def _standing(source: Path) -> Standing:
    with closing(connect(source, reading_mode(source))) as connection:
        try:
            return standing_of(connection)
        except MachineError as error:
            if was_left_unfinished(error):
                why = "a process was ended while it wrote, and that has to be undone"
                raise _must_be_opened(source, why) from error
            raise


def _must_be_opened(source: Path, why: str) -> MachineError:
    return MachineError(
        f"the store {source} cannot be united as it is",
        why=f"{why}; a source is never changed",
        fix=f"Open it once with this version: dlec jobs list --home {shlex.quote(str(source.parent))}",
    )
