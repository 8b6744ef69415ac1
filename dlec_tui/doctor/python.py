"""Check of the Python that runs dlec, and of its SQLite."""

import platform
import sqlite3
import sys

from dlec_tui.doctor.result import Finding, fine, obstacle
from engine.errors import shown

OLDEST_SQLITE = (3, 35, 0)
"""First version with UPDATE ... RETURNING, which claims jobs."""


def look() -> Finding:
    return python_finding(platform.python_version(), sqlite3.sqlite_version_info, sys.executable)


def python_finding(version: str, sqlite: tuple[int, int, int], executable: str) -> Finding:
    sqlite_version = ".".join(map(str, sqlite))
    value = f"{version} with SQLite {sqlite_version}, {shown(executable)}"
    if sqlite >= OLDEST_SQLITE:
        return fine(value)
    oldest = ".".join(map(str, OLDEST_SQLITE[:2]))
    return obstacle(value, f"The store needs SQLite {oldest} or newer, which Python from uv or conda includes.")
