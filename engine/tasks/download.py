"""Downloads checkpoints from the hub, when the user has asked for it."""

from collections.abc import Callable

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import locate, opener
from engine.checkpoint.hub import download, is_hub_id


def downloading_opener() -> Callable[[str], Checkpoint]:
    """A function that opens references; a hub id that is not in the cache is downloaded first."""
    open_reference = opener()

    def open_or_download(reference: str) -> Checkpoint:
        if locate(reference) is None and is_hub_id(reference):
            download(reference)
        return open_reference(reference)

    return open_or_download
