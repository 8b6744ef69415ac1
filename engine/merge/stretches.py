"""Puts what was copied on the disk, stretch by stretch, while the copying goes on.

Two stretches may be under way: while one waits for its commit the other keeps the disk busy. The journal marks them in
order, so it never says more than is there.
"""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from engine.files import sync_file
from engine.merge.copies import Operation
from engine.merge.journal import Journal

UNDER_WAY = 2


class Stretches:
    """Groups finished operations; a context whose end is reached when all of them are durable and marked."""

    def __init__(self, directory: Path, journal: Journal, size: int) -> None:
        """size: bytes of operations that make a stretch."""
        self._directory = directory
        self._journal = journal
        self._size = size
        self._threads = ThreadPoolExecutor(UNDER_WAY)
        self._under_way: list[Future[None]] = []
        self._shards: set[str] = set()
        self._nbytes = 0
        self._done = 0

    def __enter__(self) -> "Stretches":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._threads:
            if kind is None:
                self._hand_over()
                for future in self._under_way:
                    future.result()

    def add(self, operation: Operation, done: int) -> None:
        """Note a finished operation, the `done`th of all. Raises OSError when an earlier stretch was not synced."""
        self._shards.add(operation.shard)
        self._nbytes += operation.length
        self._done = done
        if self._nbytes >= self._size:
            self._hand_over()

    def _hand_over(self) -> None:
        before = self._under_way[-1] if self._under_way else None
        if len(self._under_way) == UNDER_WAY:
            self._under_way.pop(0).result()
        self._under_way.append(self._threads.submit(self._settle, frozenset(self._shards), self._done, before))
        self._shards.clear()
        self._nbytes = 0

    def _settle(self, shards: Iterable[str], done: int, before: Future[None] | None) -> None:
        for shard in sorted(shards):
            sync_file(self._directory / shard)
        if before is not None:
            before.result()
        self._journal.mark(done)
