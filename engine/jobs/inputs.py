"""Whether a job still finds the checkpoints that it was submitted for."""

from collections.abc import Mapping
from pathlib import Path

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import CheckpointError


def require_unchanged(inputs: Mapping[str, str]) -> None:
    """inputs: directories and their fingerprints when the job was submitted.

    Raises CheckpointError for one that has changed, is broken or gone; MachineError for one that cannot be read.
    """
    for directory, before in inputs.items():
        found = fingerprint(open_checkpoint(Path(directory)))
        if found != before:
            raise CheckpointError(
                f"{directory} has changed since the job was submitted",
                why=f"its fingerprint was {before} and is {found} now",
                fix="Submit the job again if the checkpoint is meant to be as it is now.",
            )
