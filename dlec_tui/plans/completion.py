"""Completes the names of plans, and of directories on the way to them, while they are typed."""

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester

_SUFFIXES = (".yaml", ".yml")


class PlanSuggester(Suggester):
    """Suggests the first plan or directory that goes on as typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value)


def completed(typed: str) -> str | None:
    """`typed` as far as the first name that begins so, with a slash behind a directory; None when there is none."""
    parent, _, begun = typed.rpartition("/")
    root = Path(f"{parent}/" if typed.startswith("/") or parent else ".").expanduser()
    try:
        with os.scandir(root) as entries:
            found = sorted(_name(entry) for entry in entries if _may_be_meant(entry, begun))
    except (OSError, ValueError, RuntimeError):
        return None
    return f"{typed.removesuffix(begun)}{found[0]}" if found else None


def _may_be_meant(entry: "os.DirEntry[str]", begun: str) -> bool:
    is_wanted = entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
    return is_wanted and (entry.is_dir() or entry.name.endswith(_SUFFIXES))


def _name(entry: "os.DirEntry[str]") -> str:
    return f"{entry.name}/" if entry.is_dir() else entry.name
