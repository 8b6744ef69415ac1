"""Checkpoints of the plan that is edited: opened once, and again only after their files have changed."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.find import locate, opener
from engine.checkpoint.formats.registry import is_weight_file
from engine.errors import CheckpointError, shown

Stamp = tuple[tuple[str, int, int], ...]


class PlanCheckpoints:
    """Opened checkpoints of one session."""

    def __init__(self) -> None:
        self._known: dict[str, Checkpoint | None] = {}
        """Checkpoint of each reference; None if it could not be opened."""
        self._opened: dict[Path, tuple[Stamp, Checkpoint]] = {}
        self._lock = Lock()

    def opener(self) -> Callable[[str], Checkpoint]:
        """A function that opens references; within one of these a directory is always the same checkpoint."""
        looked_at: dict[Path, Checkpoint] = {}
        open_anew = opener()

        def open_reference(reference: str) -> Checkpoint:
            self._known.setdefault(reference, None)
            checkpoint = self._known[reference] = open_fresh(reference)
            return checkpoint

        def open_fresh(reference: str) -> Checkpoint:
            directory = locate(reference)
            if directory is None:
                return open_anew(reference)
            place = directory.resolve()
            if place not in looked_at:
                looked_at[place] = self._fresh(place, lambda: open_anew(reference))
            return looked_at[place]

        return open_reference

    def has_tried(self, reference: str) -> bool:
        """Whether it was opened, be it in vain; the disk is not asked."""
        return reference in self._known

    def known(self, reference: str) -> Checkpoint:
        """Checkpoint opened last under this name, without disk access. Raises CheckpointError without one."""
        if (checkpoint := self._known.get(reference)) is None:
            raise CheckpointError(f"{shown(reference)} was not opened")
        return checkpoint

    def _fresh(self, place: Path, open_anew: Callable[[], Checkpoint]) -> Checkpoint:
        stamp = stamp_of(place)
        with self._lock:
            known = self._opened.get(place)
        if known is not None and known[0] == stamp:
            return known[1]
        checkpoint = open_anew()
        with self._lock:
            self._opened[place] = (stamp, checkpoint)
        return checkpoint


def stamp_of(directory: Path) -> Stamp:
    """Changes with the files that a checkpoint is opened from; empty where they cannot be looked at."""
    try:
        with os.scandir(directory) as entries:
            files = [entry for entry in entries if _counts(entry.name)]
            return tuple(sorted((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files))
    except OSError:
        return ()


def _counts(name: str) -> bool:
    return name == CONFIG_FILE or is_weight_file(name)
