"""One merge at a time for each output."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import UsageError
from engine.locks import HeldLock, acquire, beating, holder_text, removal_text
from engine.merge.partial import Partial

POLL_SECONDS = 0.1
"""Between two looks at a lock that another process holds."""


@contextmanager
def locked(partial: Partial, patience: float = 0) -> Iterator[None]:
    """Hold the lock of an output. Raises UsageError, saying who holds it, when somebody else does; or OSError.

    patience: seconds to wait for that somebody. Makes the partial directory, and removes it again if nothing was left
    in it.
    """
    lock = _awaited(partial, patience)
    try:
        with beating(lock):
            yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            partial.root.rmdir()


def _awaited(partial: Partial, patience: float) -> HeldLock:
    give_up = time.monotonic() + patience
    while (lock := _acquired(partial)) is None:
        if time.monotonic() >= give_up:
            raise _taken(partial)
        time.sleep(POLL_SECONDS)
    return lock


def _acquired(partial: Partial) -> HeldLock | None:
    """None while another process has it. The last holder may remove the directory before the lock is made in it."""
    while True:
        partial.root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return acquire(partial.lock)


def _taken(partial: Partial) -> UsageError:
    fix = f"Wait until it is done, or choose another output. {removal_text(partial.lock)}".rstrip()
    return UsageError(f"{partial.out} is being merged already", why=holder_text(partial.lock), fix=fix)
