"""Batches of finished operations that are synced to disk while copying continues.

Two batches may be in flight: while one waits for its commit the other keeps the disk busy. The journal marks them in
order, so it never claims more than is on the disk.
"""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from engine.files import sync_file
from engine.merge.byte_operations import ByteOperation
from engine.merge.journal import Journal

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
