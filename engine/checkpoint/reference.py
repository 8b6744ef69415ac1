"""References to checkpoints: hub ids are told from directories by their form. Imports nothing, as screens ask often."""

import re

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")
DEFAULT_REVISION = "main"


def is_hub_id(reference: str) -> bool:
    """Whether a reference has the form org/name or org/name@revision."""
    return _HUB_ID.fullmatch(reference) is not None


def split_revision(reference: str) -> tuple[str, str]:
    repository, _, revision = reference.partition("@")
    return repository, revision or DEFAULT_REVISION
