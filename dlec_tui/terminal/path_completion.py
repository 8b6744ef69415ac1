"""Completes paths while they are typed."""

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester

PLANS = (".yaml", ".yml")


class PathSuggester(Suggester):
    """Suggests the first directory that goes on as typed, or file with one of some suffixes."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value, self._suffixes)


def completed(typed: str, suffixes: tuple[str, ...] = ()) -> str | None:
    """`typed`, completed to the first matching name, directories with a slash; None without a match.

    suffixes: of files that may be meant, too.
    """
    parent, _, prefix = typed.rpartition("/")
    try:
        root = Path(f"{parent}/" if typed.startswith("/") or parent else ".").expanduser()
        with os.scandir(root) as entries:
            matches = sorted(_name(entry) for entry in entries if _may_be_meant(entry, prefix, suffixes))
    except (OSError, ValueError, RuntimeError):  # the last one: unknown user
        return None
    return f"{typed.removesuffix(prefix)}{matches[0]}" if matches else None


def _may_be_meant(entry: "os.DirEntry[str]", prefix: str, suffixes: tuple[str, ...]) -> bool:
    if not entry.name.startswith(prefix) or (entry.name.startswith(".") and not prefix.startswith(".")):
        return False
    return entry.is_dir() or (bool(suffixes) and entry.name.endswith(suffixes))


def _name(entry: "os.DirEntry[str]") -> str:
    return f"{entry.name}/" if entry.is_dir() else entry.name
