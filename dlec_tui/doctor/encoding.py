"""Check of the locale: text must not be limited to ASCII."""

import locale
import os
import sys
from collections.abc import Mapping

from dlec_tui.doctor.result import Finding, fine, note, problem
from engine.errors import shown

_REMEDY = "  export LC_ALL=C.UTF-8"


def look() -> Finding:
    return encoding_finding(os.environ, locale.getencoding(), sys.__stdout__.encoding if sys.__stdout__ else "")


def encoding_finding(environment: Mapping[str, str], named: str, written: str) -> Finding:
    """named: encoding of the locale; written: encoding of the output."""
    if not _is_utf8(written):
        return problem(f"{shown(written)}{_source(environment)}; charts need UTF-8", f"Use a UTF-8 locale:\n{_REMEDY}")
    if not _is_utf8(named):
        return note(
            f"{shown(named)}{_source(environment)}; dlec writes UTF-8 anyway",
            f"Other programs, such as tmux, do not:\n{_REMEDY}",
        )
    return fine(f"UTF-8{_source(environment)}")


def _source(environment: Mapping[str, str]) -> str:
    """Variable that determines the locale, by the order of POSIX."""
    decisive = next((name for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), None)
    return f" ({decisive}={shown(environment[decisive])})" if decisive else ""


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"
