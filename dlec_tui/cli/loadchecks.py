"""What a load check found, as text and as JSON."""

from dlec_tui.wording import duration
from engine.errors import escaped
from engine.tasks.loadcheck import LoadCheck


def as_json(found: LoadCheck | None) -> dict[str, object] | None:
    """None when no check was made."""
    if found is None:
        return None
    return {
        "ok": found.ok,
        "architecture": found.architecture,
        "missing": found.missing,
        "unexpected": found.unexpected,
        "mismatched": found.mismatched,
        "differences": found.differences,
        "unavailable": found.unavailable,
        "seconds": round(found.seconds, 3),
        "peak_bytes": found.peak_bytes,
    }


def as_text(found: LoadCheck | None) -> str:
    """One line."""
    if found is None:
        return "load check: skipped"
    if found.unavailable:
        return f"load check: not possible, {escaped(found.unavailable)}"
    if found.ok:
        seconds = duration(found.seconds)
        return f"load check: {found.architecture}, nothing missing, unexpected or mis-shaped ({seconds})"
    return f"load check: FAILED, {escaped(found.why)}"
