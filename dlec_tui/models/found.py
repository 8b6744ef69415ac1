"""A model of the list. Imports little: the list is there before anything has been looked for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.checkpoint.summary import ModelSummary
    from engine.store.profiles import StoredProfile


class Origin(StrEnum):
    """Why a model is on the list."""

    STORE = "measured"
    ADDED = "added"
    HERE = "here"
    CACHE = "hub cache"


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model of the list."""

    summary: "ModelSummary"
    origin: Origin
    is_here: bool
    """Whether its files are on this machine, broken or not."""
    profiles: "tuple[StoredProfile, ...]" = ()
    """The newest first."""

    @property
    def reference(self) -> str:
        return self.summary.reference

    @property
    def is_usable(self) -> bool:
        """Whether it can be measured and merged."""
        return self.is_here and self.summary.problem is None


def as_data(described: "Mapping[str, ModelSummary]") -> dict[str, Any]:
    """What the hub said of models, for JSON."""
    return {reference: asdict(summary) for reference, summary in described.items()}
