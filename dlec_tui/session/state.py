"""State of the screen that survives a restart, a hang-up or a kill: a file next to the store."""

import json
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dlec_tui.plans.document import PlanDocument, Step
from engine.files import write_whole
from engine.store.job_states import as_moment, as_text

SESSION_FILE = "session.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Session:
    """One state of the screen."""

    pane: str = "models"
    """The one in front."""
    reference: str | None = None
    """The model that the panes are about."""
    document: PlanDocument = field(default_factory=PlanDocument)
    panes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Saved state of each pane, by area."""
    theme: str = ""
    """The one that was chosen; "" for the one that suits the terminal."""
    left_at: datetime | None = None
    """Time of the last save; None for the first session."""


def read_session(store: Path) -> Session:
    """The first workbench's last one."""
    return read_from(store.with_name(SESSION_FILE))


def read_from(file: Path) -> Session:
    """Session in a file; a fresh session if the file is missing or corrupt."""
    try:
        return _session(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Session()


def save_session(store: Path, session: Session) -> None:
    """Save the session of the first workbench. Raises OSError if it cannot be written."""
    save_to(store.with_name(SESSION_FILE), session)


def save_to(file: Path, session: Session) -> None:
    """Raises OSError where it cannot be written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(_data(session)))


def _data(session: Session) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "pane": session.pane,
        "reference": session.reference,
        "panes": session.panes,
        "theme": session.theme,
        "left_at": as_text(session.left_at) if session.left_at else None,
        "document": _document_data(session.document),
    }


def _document_data(document: PlanDocument) -> dict[str, Any]:
    return {
        "present": astuple(document.present),
        "past": [astuple(step) for step in document.past],
        "future": [astuple(step) for step in document.future],
        "path": str(document.path) if document.path else None,
        "saved": document.saved,
        "justification": document.justification,
    }


def _session(data: dict[str, Any]) -> Session:
    if data["version"] != _VERSION:
        return Session()
    left_at = as_moment(data["left_at"]) if data["left_at"] else None
    document, panes = _document(data["document"]), {name: dict(pane) for name, pane in data["panes"].items()}
    return Session(str(data["pane"]), data["reference"], document, panes, str(data["theme"]), left_at)


def _document(data: dict[str, Any]) -> PlanDocument:
    return PlanDocument(
        present=Step(*data["present"]),
        past=tuple(Step(*step) for step in data["past"]),
        future=tuple(Step(*step) for step in data["future"]),
        path=Path(data["path"]) if data["path"] else None,
        saved=data["saved"],
        justification=data["justification"],
    )
