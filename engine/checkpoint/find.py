"""Finds checkpoints: a directory, a hub id in the local cache, everything below some directories."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.hub import hub_cache, open_remote
from engine.checkpoint.reference import is_hub_id, split_revision
from engine.errors import CheckpointError, shown

_MOST_NAMED = 3
MAX_DEPTH = 4
"""How many directories deep `below` looks."""


def opener(*, remote: bool = False) -> Callable[[str], Checkpoint]:
    """A function that opens references, each directory once.

    remote: a hub id that is not in the local cache is opened from its headers, read over the network.
    """
    opened: dict[Path | str, Checkpoint] = {}

    def open_reference(reference: str) -> Checkpoint:
        directory = locate(reference)
        key = reference if directory is None else directory.resolve()
        if key not in opened:
            opened[key] = _open(reference, directory, remote=remote)
        return opened[key]

    return open_reference


def locate(reference: str) -> Path | None:
    """The directory of a local path or of a cached hub id; None when it is neither. Never asks the network."""
    try:
        path = Path(reference).expanduser()
        if path.is_dir():
            return path
    except (RuntimeError, ValueError, OSError) as error:
        raise CheckpointError(f"{shown(reference)} is no path that can be looked at", why=shown(error)) from error
    return cached_snapshot(reference) if is_hub_id(reference) else None


def cached_snapshot(reference: str) -> Path | None:
    """The snapshot of a hub id ("org/name" or "org/name@revision") in the local cache."""
    repository, revision = split_revision(reference)
    folder = _cache_folder(repository)
    ref = folder / "refs" / revision
    commit = ref.read_text().strip() if ref.is_file() else revision
    snapshot = folder / "snapshots" / commit
    return snapshot if os.path.lexists(snapshot / CONFIG_FILE) else None


def _cache_folder(repository: str) -> Path:
    return hub_cache() / f"models--{repository.replace('/', '--')}"


def cached_references() -> Iterator[str]:
    """Every hub id with a usable snapshot in the local cache."""
    for folder in sorted(hub_cache().glob("models--*")):
        reference = folder.name.removeprefix("models--").replace("--", "/", 1)
        if cached_snapshot(reference):
            yield reference


def below(root: Path) -> Iterator[Path]:
    """Directories at and below `root` that look like checkpoints, dot-directories left out."""
    return (directory for directory, is_checkpoint in looked_at(root) if is_checkpoint)


def looked_at(root: Path) -> Iterator[tuple[Path, bool]]:
    """Every directory that `below` looks at, and whether it looks like a checkpoint: who searches can stop anywhere."""
    base = len(root.parts)
    for directory, children, files in os.walk(root):
        here = Path(directory)
        is_checkpoint = _looks_like_one(files)
        yield here, is_checkpoint
        is_deep = len(here.parts) - base >= MAX_DEPTH
        is_end = is_checkpoint or is_deep
        children[:] = [] if is_end else sorted(name for name in children if not name.startswith("."))


def _looks_like_one(files: Sequence[str]) -> bool:
    return CONFIG_FILE in files and any(name.endswith((".safetensors", ".safetensors.index.json")) for name in files)


def _open(reference: str, directory: Path | None, *, remote: bool) -> Checkpoint:
    if directory is not None:
        return open_checkpoint(directory, reference)
    if not is_hub_id(reference):
        raise CheckpointError(f"{reference} does not exist", fix="Give a model directory or a hub id such as org/name.")
    if remote:
        return open_remote(reference)
    raise _not_cached(reference)


def _not_cached(reference: str) -> CheckpointError:
    """Names the snapshots that the cache has under another revision, or without one."""
    repository, revision = split_revision(reference)
    folder = _cache_folder(repository) / "snapshots"
    commits = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG_FILE}"))
    if commits:
        named = ", ".join(map(shown, commits[:_MOST_NAMED]))
        return CheckpointError(
            f"{reference} is in the hub cache, but not as {shown(revision)}",
            why=f"no file in refs/ says which snapshot that is; it has {named}",
            fix=f"Name the snapshot: {repository}@{shown(commits[0])}.",
        )
    return CheckpointError(
        f"{reference} is neither a directory here nor in the hub cache",
        fix=f"Download it with `dlec download {reference}`, or plan on its headers with --remote.",
    )
