"""Cache of answers of child processes that depend only on config.json, headers and library versions."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from engine.files import write_whole
from engine.store.location import store_path

Answer: TypeAlias = Mapping[str, Any]
"""Answer as JSON."""
MAX_ANSWERS = 500
"""Maximum number of cached answers of one kind, about a kilobyte each; the oldest are deleted first."""


@dataclass(frozen=True)
class AnswerCache:
    """Answers of one kind of child process: a file each in the store's directory, new ones also in memory.

    Everything in the folder can be deleted at any time.
    """

    folder: Path
    _new: dict[str, Answer] = field(default_factory=dict)
    """Answers of this process, kept if the folder cannot be written."""

    def find(self, key: str) -> Answer | None:
        """Return the answer with a key; None if it is missing or unreadable."""
        if key in self._new:
            return self._new[key]
        try:
            answer = json.loads(self._file(key).read_bytes())
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, dict) else None

    def keep(self, key: str, answer: Answer) -> None:
        """Cache an answer. Later processes ask again if the folder cannot be written to."""
        self._new[key] = answer
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._file(key), json.dumps(answer))
            for old in self._oldest():
                old.unlink(missing_ok=True)

    def _oldest(self) -> Iterator[Path]:
        """Return the oldest files beyond the maximum number."""
        files = sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        yield from files[: max(0, len(files) - MAX_ANSWERS)]

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def answer_cache(folder: str, home: Path | None) -> AnswerCache:
    """Return the cache `folder` of the store's directory `home`; None for the default."""
    return AnswerCache(store_path(home).with_name(folder))
