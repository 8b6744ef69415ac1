"""What transformers says of a checkpoint's config and headers; asked elsewhere, as nothing here loads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.errors import shown
from engine.units import plural

KINDS = {"missing": "missing", "unexpected": "unexpected", "mismatched": "of another shape"}
"""The fields of a LoadCheck that name tensors, and what they say of them."""
_MOST_NAMED = 3

Complaint: TypeAlias = str
"""A tensor's name; for one of another shape followed by ": " and both shapes."""


@dataclass(frozen=True)
class LoadCheck:
    """What transformers says of a checkpoint."""

    missing: tuple[Complaint, ...] = ()
    """Parameters of the model that the checkpoint lacks: they would be random."""
    unexpected: tuple[Complaint, ...] = ()
    """Tensors of the checkpoint that the model does not use."""
    mismatched: tuple[Complaint, ...] = ()
    """Tensors of another shape, with both shapes."""
    differences: tuple[str, ...] = ()
    """In words: layers that are no longer of the kind they were, or why the model cannot be built."""
    architecture: str = ""
    """The class that transformers opens it as."""
    decoder: str = ""
    """What stands before a layer's number in the class's names: "model.layers."; "" where that is not known."""
    parameters: int = 0
    """As transformers counts them: tied ones once."""
    seconds: float = 0.0
    peak_bytes: int = 0
    """Largest resident memory of the child."""
    unavailable: str = ""
    """Why the check could not be made: no torch, no memory, or a family that transformers does not know."""
    inherited: tuple[str, ...] = ()
    """Kind and complaint ("unexpected: v_head.weight") of what transformers says of the source as well."""
    behind: tuple[Complaint, ...] = ()
    """Tensors of announced layers behind the last one (multi-token prediction), which transformers leaves unopened."""

    @property
    def ok(self) -> bool:
        """Loads, and nothing is wrong. False where the check could not be made."""
        return not self.is_faulty and not self.unavailable

    @property
    def is_faulty(self) -> bool:
        return bool(self.missing or self.unexpected or self.mismatched or self.differences)

    @property
    def why(self) -> str:
        """What is wrong, in one line; "" when nothing is."""
        found = [_counted(getattr(self, kind), what) for kind, what in KINDS.items() if getattr(self, kind)]
        return "; ".join([*found, *self.differences[:_MOST_NAMED], *filter(None, [self.unavailable])])

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is worth knowing and is no fault, in sentences."""
        return (*self._inherited_remarks(), *self._behind_remarks())

    def _inherited_remarks(self) -> list[str]:
        by_kind = {what: self.inherited_of(kind) for kind, what in KINDS.items()}
        return [
            f"{_counted(names, what)} in the source as well: the source opens the same way"
            for what, names in by_kind.items()
            if names
        ]

    def _behind_remarks(self) -> list[str]:
        found = f"{len(self.behind)} tensors of prediction layers behind the last layer ({named(self.behind)})"
        return [f"transformers leaves {found} unopened, as it should"] if self.behind else []

    def inherited_of(self, kind: str) -> tuple[Complaint, ...]:
        prefix = f"{kind}: "
        return tuple(each.removeprefix(prefix) for each in self.inherited if each.startswith(prefix))


def named(names: Sequence[str]) -> str:
    """The first of some names."""
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(map(shown, names[:_MOST_NAMED])) + more


def load_check_of(fields: dict[str, Any]) -> LoadCheck:
    """From its fields as JSON."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return LoadCheck(**values)


def _counted(names: Sequence[str], what: str) -> str:
    return f"{plural(len(names), 'tensor')} {what} ({named(names)})"
