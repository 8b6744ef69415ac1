"""The model hub: its local cache, headers read remotely, downloads. Asks the network only when told to.

huggingface_hub is imported late: it costs 0.2 s that local plans need not wait for.
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import CONFIG_FILE, parse_config
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.safetensors_header import LENGTH_BYTES
from engine.checkpoint.reference import split_revision
from engine.checkpoint.wrappers import unwrapped
from engine.errors import CheckpointError, DiskFullError, MachineError, MissingCheckpointError, UsageError, shown
from engine.files import expanded
from engine.protocol import Report, no_report

UNREAD = ["*.bin", "*.pth", "*.gguf", "*.onnx", "*.h5", "*.msgpack", "original/*", "onnx/*"]
"""Files of a repository that nothing here reads."""
CONNECT_SECONDS = 10
"""Seconds until the first answer of the hub. One request, without the retries of downloads."""


def hub_cache() -> Path:
    """Directory of huggingface_hub's models, by its own environment variables. Raises UsageError as `expanded` does."""
    if explicit := os.environ.get("HF_HUB_CACHE"):
        return expanded(explicit)
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", f"{cache}/huggingface")
    return expanded(home) / "hub"


def open_remote(reference: str) -> Checkpoint:
    """Open a hub id from its config and safetensors headers; no weight is downloaded.

    Raises CheckpointError when the repository is missing, gated or holds no safetensors, MachineError without network.
    """
    from huggingface_hub import HfApi

    repository, revision = split_revision(reference)
    with _translated(reference):
        HfApi().model_info(repository, revision=revision, timeout=CONNECT_SECONDS)
        config = HfApi().hf_hub_download(repository, CONFIG_FILE, revision=revision)
        metadata = HfApi().get_safetensors_metadata(repository, revision=revision)
    directory = Path(config).parent
    text = Path(config).read_text(encoding="utf-8")
    tensors = unwrapped({tensor.name: tensor for tensor in _remote_tensors(metadata, directory)})
    return Checkpoint(reference, directory, parse_config(text, Path(config), tensors), tensors, is_local=False)


def download(reference: str, report: Report = no_report) -> Path:
    """Download a hub id into the local cache and return its snapshot directory; existing files are not requested.

    report: counts bytes; the total grows with each file that is started. Raises CheckpointError if the repository is
    missing or gated, MachineError without network, DiskFullError without space.
    """
    from huggingface_hub import HfApi, snapshot_download

    repository, revision = split_revision(reference)
    with _translated(reference):
        HfApi().model_info(repository, revision=revision, timeout=CONNECT_SECONDS)
        snapshot = snapshot_download(
            repository,
            revision=revision,
            cache_dir=hub_cache(),
            ignore_patterns=UNREAD,
            tqdm_class=_bar_class(report),
        )
    return Path(snapshot)


def is_complete(reference: str) -> bool:
    """Return True if the local cache has every file of a hub id, as far as it knows what those are. Asks no network."""
    from huggingface_hub import errors, snapshot_download

    repository, revision = split_revision(reference)
    with _translated(reference):
        try:
            snapshot_download(
                repository,
                revision=revision,
                cache_dir=hub_cache(),
                ignore_patterns=UNREAD,
                local_files_only=True,
            )
        except errors.LocalEntryNotFoundError:
            return False
    return True


def _bar_class(report: Report) -> Any:
    """A progress bar as huggingface_hub wants one, that shows nothing and reports the bytes that reach the disk."""
    from huggingface_hub.utils.tqdm import tqdm

    one_at_a_time = threading.Lock()

    class Bar(tqdm):
        def __init__(self, *args: Any, **settings: Any) -> None:
            is_of_network = str(settings.get("name")).endswith(".transfer")
            self._counts = settings.get("unit") == "B" and not is_of_network
            super().__init__(*args, **settings | {"disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            with one_at_a_time:
                self.n += n or 0
                if self._counts:
                    report(int(self.n), int(self.total or 0), "downloading")

    return Bar


def _remote_tensors(metadata: Any, directory: Path) -> Iterator[StoredTensor]:
    """Offsets are those of the data section: good for sizes, not for reading."""
    for shard, file in metadata.files_metadata.items():
        for name, tensor in file.tensors.items():
            begin, end = tensor.data_offsets
            shape = tuple(tensor.shape)
            yield StoredTensor(name, tensor.dtype, shape, directory / shard, LENGTH_BYTES + begin, LENGTH_BYTES + end)


@contextmanager
def _translated(reference: str) -> Iterator[None]:
    """Translate the errors of huggingface_hub."""
    import httpx
    from huggingface_hub import errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:  # also an EntryNotFoundError: it means that there was no answer
        raise _unreachable(reference, error) from error
    except errors.GatedRepoError as error:
        raise CheckpointError(
            f"{reference} is gated",
            why="its owner requires you to accept its terms first",
            fix=f"Accept them at huggingface.co/{reference.partition('@')[0]}, then run `hf auth login`.",
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise MissingCheckpointError(
            f"{reference} was not found on the hub",
            why="there is no such repository, revision or file, or it is private",
            fix="Check the spelling; for a private repository run `hf auth login`.",
        ) from error
    except (errors.NotASafetensorsRepoError, errors.SafetensorsParsingError) as error:
        raise CheckpointError(f"{reference} has no readable safetensors files", why=shown(error)) from error
    except errors.HFValidationError as error:
        raise UsageError(
            f"{reference} is not a valid hub id",
            why=shown(error),
            fix="A hub id is ORG/NAME, or NAME alone for old models such as gpt2.",
        ) from error
    except (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, httpx.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(reference) from error
        raise _unreachable(reference, error) from error


def _unreachable(reference: str, error: Exception) -> MachineError:
    fix = "Check the network (and HF_HUB_OFFLINE, HF_ENDPOINT), or use a local directory."
    return MachineError(f"the hub cannot be reached for {reference}", why=shown(error), fix=fix)


def _full(reference: str) -> DiskFullError:
    fix = "Make space, or have HF_HUB_CACHE name a directory with more; the same download continues."
    return DiskFullError(f"the disk is too full for {reference}", why=f"{hub_cache()} is on it", fix=fix)
