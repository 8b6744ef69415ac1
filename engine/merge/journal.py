"""The journal of a merge: a signature of the merge, then watermarks of the operations done. Durable.

    signature 5f0e...        written once every shard has its size and its header
    done 12                  operations 0..11 are on the disk

A line counts only with its newline, so a torn last line is ignored.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.files import write_whole
from engine.merge.byte_operations import ByteOperation
from engine.merge.layout import Layout
from engine.merge.sources import SourceFile

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
