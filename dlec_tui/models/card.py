"""The model card beside a checkpoint, as it can be shown."""

from pathlib import Path

from dlec_tui.wording import printable
from engine.errors import machine_error

CARD_FILE = "README.md"
_MOST_CHARACTERS = 200_000


def card_text(directory: Path) -> str:
    """Without the table of metadata at its head. Raises MachineError where there is none, or it cannot be read."""
    path = directory / CARD_FILE
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_CHARACTERS)
    except OSError as error:
        raise machine_error(f"there is no model card at {path}", error) from error
    return printable(_without_metadata(text))


def _without_metadata(text: str) -> str:
    _, mark, rest = text.partition("\n---\n")
    return rest if mark and text.startswith("---\n") else text
