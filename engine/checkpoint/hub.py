"""The model hub: its local cache, headers read remotely, downloads. Asks the network only when told to.

huggingface_hub is imported late: it costs 0.2 s that local plans need not wait for.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import CONFIG_FILE, parse_config
from engine.checkpoint.header import LENGTH_BYTES, StoredTensor
from engine.errors import CheckpointError, MachineError, shown

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")
DEFAULT_REVISION = "main"
CONNECT_SECONDS = 10
"""How long the hub may take for its first answer. Asked once, without the retries that downloads make."""


def is_hub_id(reference: str) -> bool:
    """Whether a reference has the form org/name or org/name@revision."""
    return _HUB_ID.fullmatch(reference) is not None


def split_revision(reference: str) -> tuple[str, str]:
    repository, _, revision = reference.partition("@")
    return repository, revision or DEFAULT_REVISION


def hub_cache() -> Path:
    """Where huggingface_hub keeps models, by its own environment variables."""
    if explicit := os.environ.get("HF_HUB_CACHE"):
        return Path(explicit).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", f"{cache}/huggingface")
    return Path(home).expanduser() / "hub"


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
    tensors = {tensor.name: tensor for tensor in _remote_tensors(metadata, directory)}
    return Checkpoint(reference, directory, parse_config(text, Path(config)), tensors, is_local=False)


def download(reference: str) -> Path:
    """Download a hub id into the local cache and give its snapshot directory."""
    from huggingface_hub import HfApi, snapshot_download

    repository, revision = split_revision(reference)
    with _translated(reference):
        ignored = ["*.bin", "*.pth", "*.gguf", "*.onnx", "*.h5", "*.msgpack", "original/*", "onnx/*"]
        HfApi().model_info(repository, revision=revision, timeout=CONNECT_SECONDS)
        return Path(snapshot_download(repository, revision=revision, ignore_patterns=ignored))


def _remote_tensors(metadata: Any, directory: Path) -> Iterator[StoredTensor]:
    """Offsets are those of the data section: good for sizes, not for reading."""
    for shard, file in metadata.files_metadata.items():
        for name, tensor in file.tensors.items():
            begin, end = tensor.data_offsets
            shape = tuple(tensor.shape)
            yield StoredTensor(name, tensor.dtype, shape, directory / shard, LENGTH_BYTES + begin, LENGTH_BYTES + end)


@contextmanager
def _translated(reference: str) -> Iterator[None]:
    """huggingface_hub's errors in our words."""
    import httpx
    from huggingface_hub import errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:  # also an EntryNotFoundError: it means that nobody answered
        raise _unreachable(reference, error) from error
    except errors.GatedRepoError as error:
        raise CheckpointError(
            f"{reference} is gated",
            why="its owner wants you to accept conditions first",
            fix=f"Accept them at huggingface.co/{reference.partition('@')[0]}, then run `hf auth login`.",
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise CheckpointError(
            f"{reference} was not found on the hub",
            why="there is no such repository, revision or file, or it is private",
            fix="Check the spelling; for a private repository run `hf auth login`.",
        ) from error
    except (errors.NotASafetensorsRepoError, errors.SafetensorsParsingError) as error:
        raise CheckpointError(f"{reference} has no readable safetensors files", why=shown(error)) from error
    except (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, httpx.HTTPError, OSError) as error:
        raise _unreachable(reference, error) from error


def _unreachable(reference: str, error: Exception) -> MachineError:
    fix = "Check the network (and HF_HUB_OFFLINE, HF_ENDPOINT), or use a local directory."
    return MachineError(f"the hub cannot be reached for {reference}", why=shown(error), fix=fix)
