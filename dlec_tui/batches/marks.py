"""The batch list: which saved plans are to be merged, in which order, and where to."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.jobs.batch import Target, target_of


@dataclass(frozen=True, slots=True)
class BatchMarks:
    """One state of the list. Every change gives a new one."""

    plans: tuple[Path, ...] = ()
    """Absolute; each once, the one that is merged first at the front."""
    out: Path | None = None
    """The directory that the outputs go to, absolute; None: the first plan's own."""

    @property
    def directory(self) -> Path:
        return self.out or (self.plans[0].parent if self.plans else Path.cwd())

    @property
    def targets(self) -> list[Target]:
        return [target_of(plan, self.directory) for plan in self.plans]

    def added(self, plans: Iterable[Path]) -> "BatchMarks":
        """Behind the others; those that are there already stay where they are."""
        return replace(self, plans=tuple(dict.fromkeys((*self.plans, *(plan.absolute() for plan in plans)))))

    def without(self, plan: Path) -> "BatchMarks":
        return replace(self, plans=tuple(other for other in self.plans if other != plan))

    def moved(self, plan: Path, by: int) -> "BatchMarks":
        """As far as there is room."""
        at = self.plans.index(plan)
        others = [other for other in self.plans if other != plan]
        others.insert(max(0, min(at + by, len(others))), plan)
        return replace(self, plans=tuple(others))

    def into(self, directory: Path) -> "BatchMarks":
        return replace(self, out=directory.absolute())

    def as_data(self) -> dict[str, Any]:
        """As JSON."""
        return {"plans": list(map(str, self.plans)), "out": str(self.out) if self.out else None}


def marks_from(data: dict[str, Any]) -> BatchMarks:
    """Raises KeyError or TypeError for what `as_data` did not give."""
    return BatchMarks(tuple(map(Path, data["plans"])), Path(data["out"]) if data["out"] else None)
