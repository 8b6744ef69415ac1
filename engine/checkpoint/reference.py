"""References to checkpoints: hub ids and directories, distinguished by their form. Imports little: screens use it."""

import re

_HUB_ID = r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?(@[\w./-]+)?"
_IN_A_CACHE = r"(?:.*/)?models--([^/]+)(?:/snapshots/[^/]+)?/*"
DEFAULT_REVISION = "main"


def is_hub_id(reference: str) -> bool:
    """Return True if a reference has the form org/name, or name alone as for gpt2, perhaps with @revision.

    A directory may have such a name as well: look for that first.
    """
    return re.fullmatch(_HUB_ID, reference) is not None


def split_revision(reference: str) -> tuple[str, str]:
    repository, _, revision = reference.partition("@")
    return repository, revision or DEFAULT_REVISION


def cache_folder(repository: str) -> str:
    """The name of a repository's folder in a hub cache: "models--org--name", "models--gpt2"."""
    return f"models--{repository.replace('/', '--')}"


def cached_repository(path: str) -> str | None:
    """The repository of a path in a hub cache, to its folder or to a snapshot, by form alone; None for other paths."""
    match = re.fullmatch(_IN_A_CACHE, path)
    return match[1].replace("--", "/", 1) if match else None


def directory_name(path: str) -> str:
    """The last part of a path; of a path in a hub cache the repository, never a commit hash."""
    return cached_repository(path) or path.rstrip("/").rpartition("/")[2] or path
