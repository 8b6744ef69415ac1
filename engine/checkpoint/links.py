"""Files of a checkpoint that are not there, links that lead nowhere among them: a hub cache's snapshots are links."""

from pathlib import Path

from engine.errors import CheckpointError


def missing_file(path: Path) -> CheckpointError:
    """The error for a file that cannot be opened because it is not there; names a link's target."""
    if not path.is_symlink():
        return CheckpointError(f"{path} is missing", fix="Download the checkpoint again.")
    return CheckpointError(
        f"{path} is a link to {path.readlink()}, which does not exist",
        why="the link was copied without the file, or the file was deleted",
        fix="Copy the checkpoint with its links followed (cp -rL, rsync -L), or download it again.",
    )
