"""Completes the names of directories while they are typed."""

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester


class DirectorySuggester(Suggester):
    """Suggests the first directory that goes on as typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value)


def completed(typed: str) -> str | None:
    """`typed` as far as the first directory that begins so, with a slash behind it; None when there is none."""
    parent, _, begun = typed.rpartition("/")
    root = Path(f"{parent}/" if typed.startswith("/") or parent else ".").expanduser()
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries if _may_be_meant(entry, begun))
    except (OSError, ValueError):
        return None
    return f"{typed.removesuffix(begun)}{names[0]}/" if names else None


def _may_be_meant(entry: "os.DirEntry[str]", begun: str) -> bool:
    is_wanted = entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
    return is_wanted and entry.is_dir()
