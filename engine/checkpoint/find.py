"""Finds checkpoints: a directory, a hub id in the local cache, everything below some directories."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.formats.registry import looks_like_checkpoint
from engine.checkpoint.hub import hub_cache, open_remote
from engine.checkpoint.reference import DEFAULT_REVISION, cache_folder, cached_repository, is_hub_id, split_revision
from engine.errors import CheckpointError, MissingCheckpointError, UsageError, shown
from engine.files import expanded

MAX_DEPTH = 4
"""Maximum depth of directories that `below` searches."""


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
    """The directory of a local path or of a cached hub id; None when it is neither. Never asks the network.

    The path of a repository in any hub cache, .../models--org--name, means its snapshot. Raises MissingCheckpointError
    for what cannot be a path.
    """
    try:
        path = expanded(reference)
        if path.is_dir():
            folder = path.parent if path.name == "snapshots" else path
            return (_cached_in(folder) if is_cache_folder(folder) else None) or path
    except UsageError as error:
        raise MissingCheckpointError(error.what, why=error.why, fix=error.fix, where={"path": reference}) from error
    except (ValueError, OSError) as error:
        what, why = f"{shown(reference)} is not a path that can be read", shown(error)
        raise MissingCheckpointError(what, why=why, where={"path": reference}) from error
    return cached_snapshot(reference) if is_hub_id(reference) else None


def cached_snapshot(reference: str) -> Path | None:
    """The snapshot of a hub id ("org/name" or "org/name@revision") in the local cache."""
    repository, revision = split_revision(reference)
    return _snapshot(hub_cache() / cache_folder(repository), revision)


def cached_references() -> Iterator[str]:
    """Every hub id with a usable snapshot in the local cache, each repository once.

    As "org/name", or as "org/name@revision" where the cache has no usable snapshot of the usual revision.
    """
    return (reference_to(folder) for folder in sorted(hub_cache().glob("models--*")) if _cached_in(folder))


def reference_to(directory: Path) -> str:
    """The reference of a directory for `opener`: a hub id in the local cache, else the path."""
    repository = cached_repository(directory.name)
    if repository is None or directory.parent.resolve() != hub_cache().resolve():
        return str(directory)
    revision = _usable_revision(directory)
    return repository if revision in (None, DEFAULT_REVISION) else f"{repository}@{revision}"


def is_cache_folder(directory: Path) -> bool:
    """Return True if a directory is a repository of a hub cache: its snapshots are one model, not many."""
    return cached_repository(directory.name) is not None and (directory / "snapshots").is_dir()


def _snapshot(folder: Path, revision: str) -> Path | None:
    """The usable snapshot of a branch, tag or commit in the folder of a repository."""
    snapshot = folder / "snapshots" / (_commit_of(folder / "refs" / revision) or revision)
    return snapshot if os.path.lexists(snapshot / CONFIG_FILE) else None


def _commit_of(ref: Path) -> str:
    """The commit in a file of `refs`; "" if there is no such file, or none that holds a commit."""
    try:
        return ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
    except (OSError, ValueError):
        return ""


def _cached_in(folder: Path) -> Path | None:
    revision = _usable_revision(folder)
    return None if revision is None else _snapshot(folder, revision)


def _usable_revision(folder: Path) -> str | None:
    """The revision of a repository to open: the usual one, else a branch or tag, else the newest commit."""
    refs, snapshots = folder / "refs", folder / "snapshots"
    names = sorted(str(file.relative_to(refs)) for file in refs.rglob("*") if file.is_file())
    commits = sorted(snapshots.glob("*"), key=lambda snapshot: snapshot.stat().st_mtime, reverse=True)
    revisions = chain([DEFAULT_REVISION], names, (commit.name for commit in commits))
    return next((revision for revision in revisions if _snapshot(folder, revision)), None)


def below(root: Path) -> Iterator[Path]:
    """Directories at and below `root` that look like checkpoints, dot-directories left out.

    Of a hub cache the folders of its repositories, each once: see `reference_to`.
    """
    return (directory for directory, is_checkpoint in looked_at(root) if is_checkpoint)


def looked_at(root: Path) -> Iterator[tuple[Path, bool]]:
    """Every directory that `below` looks at, and whether it looks like a checkpoint: who searches can stop anywhere."""
    base = len(root.parts)
    for directory, children, files in os.walk(root):
        path = Path(directory)
        is_repository = is_cache_folder(path)
        is_checkpoint = _cached_in(path) is not None if is_repository else _looks_like_one(files)
        yield path, is_checkpoint
        is_deep = len(path.parts) - base >= MAX_DEPTH
        is_end = is_checkpoint or is_repository or is_deep
        children[:] = [] if is_end else sorted(name for name in children if not name.startswith("."))


def _looks_like_one(files: Sequence[str]) -> bool:
    return looks_like_checkpoint(files)


def _open(reference: str, directory: Path | None, *, remote: bool) -> Checkpoint:
    if directory is not None:
        try:
            return open_checkpoint(directory, reference)
        except CheckpointError:
            if not remote or expanded(reference).is_dir():
                raise
            return open_remote(reference)  # the cache has its config, from an earlier look at its headers
    if not is_hub_id(reference):
        raise MissingCheckpointError(
            f"{shown(reference)} does not exist",
            fix="Give a model directory or a hub id such as org/name.",
            where={"path": reference},
        )
    if remote:
        return open_remote(reference)
    raise _not_cached(reference)


def _not_cached(reference: str) -> MissingCheckpointError:
    """Names another revision of the repository where the cache has one."""
    repository, revision = split_revision(reference)
    cached = _usable_revision(hub_cache() / cache_folder(repository))
    if cached is None:
        return MissingCheckpointError(
            f"{reference} is neither a directory here nor in the hub cache",
            fix=f"Download it with `dlec download {reference}`, or plan on its headers with --remote.",
            where={"path": reference},
        )
    return MissingCheckpointError(
        f"{reference} is not in the hub cache",
        why=f"the cache has {repository}, but nothing usable for {revision}",
        fix=f"Write {repository}@{cached}, or download it with `dlec download {reference}`.",
        where={"path": reference},
    )
