"""One merge at a time for each output: a lock that the kernel drops when its holder dies, however it dies."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UsageError, shown
from engine.merge.partial import Partial

POLL_SECONDS = 0.1
"""Between two looks at a lock that another process holds."""


@contextmanager
def locked(partial: Partial, patience: float = 0) -> Iterator[None]:
    """Hold the lock of an output. Raises UsageError, saying who holds it, when somebody else does; or OSError.

    patience: seconds to wait for that somebody. Makes the partial directory, and removes it again if nothing was left
    in it.
    """
    descriptor = _awaited(partial, patience)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        yield
    finally:
        partial.lock.unlink(missing_ok=True)
        os.close(descriptor)
        with contextlib.suppress(OSError):
            partial.root.rmdir()


def _awaited(partial: Partial, patience: float) -> int:
    """A descriptor that holds the lock."""
    give_up = time.monotonic() + patience
    while (descriptor := _acquired(partial)) is None:
        if time.monotonic() >= give_up:
            raise _taken(partial)
        time.sleep(POLL_SECONDS)
    return descriptor


def _acquired(partial: Partial) -> int | None:
    """A descriptor that holds the lock; None while another process does."""
    while True:
        partial.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial.lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_still_at(partial.lock, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still_at(path: Path, descriptor: int) -> bool:
    """False when the last holder removed the file between our opening and our locking it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _taken(partial: Partial) -> UsageError:
    return UsageError(
        f"{partial.out} is being merged already",
        why=_holder(partial.lock),
        fix="Wait until it is done, or choose another output.",
    )


def _holder(lock: Path) -> str:
    try:
        holder = json.loads(lock.read_text())
        return f"process {int(holder['pid'])} on {shown(holder['host'])} holds {lock}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"another process holds {lock}"
