"""The journal of a merge: a signature of the merge, then watermarks of the operations done. Durable.

    signature 5f0e...        written once every shard has its size and its header
    done 12                  operations 0..11 are on the disk

A line counts only with its newline, so a torn last line is ignored.

Finished operations are synced in batches while copying continues. Two batches may be in flight: while one waits for its
commit the other keeps the disk busy. The journal marks them in order, so it never claims more than is on the disk.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from engine.files import sync_file, write_whole
from engine.merge.layout import Layout
from engine.merge.planned_operations import ByteOperation
from engine.merge.transfer import SourceFile

_SIGNATURE = re.compile(r"signature (\w+)")
_DONE = re.compile(r"done (\d+)")


def signature_of(
    layout: Layout, operations: Iterable[ByteOperation], sources: Iterable[SourceFile], patches: Iterable[str] = ()
) -> str:
    """64 hexadecimal digits that change with anything that the bytes of the shards depend on.

    patches: fingerprints of the patches.
    """
    digest = hashlib.sha256()
    for shard in layout.shards:
        digest.update(f"{shard.name}\0{shard.nbytes}\0".encode() + shard.header)
    for part in (*operations, *sources, *patches):
        digest.update(repr(part).encode())
    return digest.hexdigest()


def read_watermark(path: Path, signature: str) -> int | None:
    """Number of operations done; None without a journal of this merge."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    except FileNotFoundError:
        return None
    opening = _SIGNATURE.fullmatch(lines[0]) if lines else None
    if opening is None or opening[1] != signature:
        return None
    marks = (_DONE.fullmatch(line) for line in lines[1:])
    return max((int(mark[1]) for mark in marks if mark), default=0)


def begin_journal(path: Path, signature: str, done: int = 0) -> None:
    """A journal that says `done`, durable when this returns."""
    write_whole(path, f"signature {signature}\ndone {done}\n")


class Journal:
    """A journal being continued."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def mark(self, done: int) -> None:
        """Record that `done` operations are finished. The caller has synced their data."""
        os.write(self._descriptor, f"done {done}\n".encode())
        os.fsync(self._descriptor)


@contextmanager
def continued_journal(path: Path) -> Iterator[Journal]:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        yield Journal(descriptor)
    finally:
        os.close(descriptor)


IN_FLIGHT = 2
"""Maximum number of batches that are being synced."""


class SyncBatches:
    """Collects finished operations into batches; leaving the context waits until all are durable and marked."""

    def __init__(self, directory: Path, journal: Journal, size: int) -> None:
        """size: bytes of operations in one batch."""
        self._directory = directory
        self._journal = journal
        self._size = size
        self._threads = ThreadPoolExecutor(IN_FLIGHT)
        self._in_flight: list[Future[None]] = []
        self._shards: set[str] = set()
        self._nbytes = 0
        self._done = 0

    def __enter__(self) -> "SyncBatches":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._threads:
            if kind is None:
                self._submit()
                for future in self._in_flight:
                    future.result()

    def add(self, operation: ByteOperation, done: int) -> None:
        """Add a finished operation, the `done`th of all. Raises OSError when an earlier batch could not be synced."""
        self._shards.add(operation.shard)
        self._nbytes += operation.length
        self._done = done
        if self._nbytes >= self._size:
            self._submit()

    def _submit(self) -> None:
        previous = self._in_flight[-1] if self._in_flight else None
        if len(self._in_flight) == IN_FLIGHT:
            self._in_flight.pop(0).result()
        self._in_flight.append(self._threads.submit(self._sync, frozenset(self._shards), self._done, previous))
        self._shards.clear()
        self._nbytes = 0

    def _sync(self, shards: Iterable[str], done: int, previous: Future[None] | None) -> None:
        for shard in sorted(shards):
            sync_file(self._directory / shard)
        if previous is not None:
            previous.result()
        self._journal.mark(done)
