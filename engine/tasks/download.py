"""Downloads checkpoints from the hub, when the user has asked for it."""

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
    """The task: {"reference": a hub id, or a directory, which is found rather than downloaded}.

    Answer: "reference", "directory" and "bytes" (of everything in it). Raises CheckpointError for what is no
    checkpoint with safetensors, UsageError for what is no hub id, MachineError without network or space.
    """
    reference = request["reference"]
    if _is_on_the_hub(reference) and not _is_here(reference):
        download(reference, report)
    directory = opener()(reference).directory
    return {"reference": reference, "directory": str(directory), "bytes": _nbytes(directory)}


def downloading_opener() -> Callable[[str], Checkpoint]:
    """A function that opens references; a hub id whose weights are not in the cache is downloaded first."""
    open_reference = opener()

    def open_or_download(reference: str) -> Checkpoint:
        if _is_on_the_hub(reference) and not _opens(reference, open_reference):
            download(reference)
        return open_reference(reference)

    return open_or_download


def _is_on_the_hub(reference: str) -> bool:
    return is_hub_id(reference) and not Path(reference).is_dir()


def _is_here(reference: str) -> bool:
    """Whether nothing of a hub id is left to download."""
    return _opens(reference, opener()) and is_complete(reference)


def _opens(reference: str, open_reference: Callable[[str], Checkpoint]) -> bool:
    """False also where an interrupted download has left weights out."""
    try:
        open_reference(reference)
    except CheckpointError:
        return False
    return True


def _nbytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
