"""Where the store lies."""

import os
from pathlib import Path

import platformdirs

from engine.files import expanded

HOME_VARIABLE = "DLEC_HOME"
STORE_FILE = "dlec.sqlite"


def store_path(home: Path | None = None) -> Path:
    """The store in `home`, else in $DLEC_HOME, else in the user's data directory. It need not exist.

    Raises UsageError for the home directory of a user who does not exist.
    """
    return (expanded(home) if home else _usual_home()) / STORE_FILE


def _usual_home() -> Path:
    if found := os.environ.get(HOME_VARIABLE):
        return expanded(found)
    return platformdirs.user_data_path("dlec", appauthor=False)
