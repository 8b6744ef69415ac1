"""Download of checkpoints from the hub, on request of the user."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from engine.checkpoint.hub import download, is_complete
from engine.checkpoint.reference import is_hub_id
from engine.errors import CheckpointError
from engine.protocol import Report


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"reference": a hub id, or a directory, for which nothing is downloaded}.

    Answer: "reference", "directory" and "bytes" (total size). Raises CheckpointError if it is not a checkpoint with
    safetensors, UsageError for an invalid hub id, MachineError for a failure of network or disk.
    """
    reference = request["reference"]
    if _is_on_the_hub(reference) and not _is_here(reference):
        download(reference, report)
    directory = opener()(reference).directory
    return {"reference": reference, "directory": str(directory), "bytes": _nbytes(directory)}


def downloading_opener() -> Callable[[str], Checkpoint]:
    """Return a function that opens references and downloads hub ids whose weights are not in the cache."""
    open_reference = opener()

    def open_or_download(reference: str) -> Checkpoint:
        if _is_on_the_hub(reference) and not _opens(reference, open_reference):
            download(reference)
        return open_reference(reference)

    return open_or_download


def _is_on_the_hub(reference: str) -> bool:
    return is_hub_id(reference) and not Path(reference).is_dir()


def _is_here(reference: str) -> bool:
    """Return True if a hub id is downloaded completely."""
    return _opens(reference, opener()) and is_complete(reference)


def _opens(reference: str, open_reference: Callable[[str], Checkpoint]) -> bool:
    """Return True if the reference opens; False also after an interrupted download."""
    try:
        open_reference(reference)
    except CheckpointError:
        return False
    return True


def _nbytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
