"""Results of opening checkpoints with transformers, and the families that it has. transformers is not imported."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from engine.errors import shown
from engine.units import plural

KINDS = {"missing": "missing", "unexpected": "unexpected", "mismatched": "of another shape"}
"""Fields of a LoadCheck that name tensors, and the word for each."""
_MOST_NAMED = 3

Complaint: TypeAlias = str
"""A tensor's name; for one of another shape followed by ": " and both shapes."""


@dataclass(frozen=True)
class LoadCheck:
    """Result of opening a checkpoint with transformers."""

    missing: tuple[Complaint, ...] = ()
    """Parameters of the model that the checkpoint lacks: they would be random."""
    unexpected: tuple[Complaint, ...] = ()
    """Tensors of the checkpoint that the model does not use."""
    mismatched: tuple[Complaint, ...] = ()
    """Tensors of another shape, with both shapes."""
    differences: tuple[str, ...] = ()
    """Descriptions of layers that have changed their kind, or of why the model cannot be built."""
    architecture: str = ""
    """The class that transformers opens it as."""
    decoder: str = ""
    """Prefix of a layer's number in the class's names: "model.layers."; "" if unknown."""
    parameters: int = 0
    """Number of parameters as transformers counts them: tied ones once."""
    seconds: float = 0.0
    peak_bytes: int = 0
    """Largest resident memory of the child."""
    unavailable: str = ""
    """Why the check could not be made: no torch, no memory, or a family that transformers does not know."""
    inherited: tuple[str, ...] = ()
    """Kind and complaint ("unexpected: v_head.weight") that transformers reports for the source as well."""
    unopened: tuple[Complaint, ...] = ()
    """Tensors of announced layers after the last one (multi-token prediction), which transformers leaves unopened."""

    @property
    def ok(self) -> bool:
        """Loads, and nothing is wrong. False where the check could not be made."""
        return not self.is_faulty and not self.unavailable

    @property
    def is_faulty(self) -> bool:
        return bool(self.missing or self.unexpected or self.mismatched or self.differences)

    @property
    def why(self) -> str:
        """The faults on one line; "" if there are no faults."""
        faults = [_counted(getattr(self, kind), what) for kind, what in KINDS.items() if getattr(self, kind)]
        return "; ".join([*faults, *self.differences[:_MOST_NAMED], *filter(None, [self.unavailable])])

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about findings that are not faults."""
        return (*self._inherited_remarks(), *self._unopened_remarks())

    def _inherited_remarks(self) -> list[str]:
        by_kind = {what: self.inherited_of(kind) for kind, what in KINDS.items()}
        return [
            f"{_counted(names, what)} in the source as well: the source opens the same way"
            for what, names in by_kind.items()
            if names
        ]

    def _unopened_remarks(self) -> list[str]:
        tensors = f"{len(self.unopened)} tensors of prediction layers after the last layer ({named(self.unopened)})"
        return [f"transformers leaves {tensors} unopened, as it should"] if self.unopened else []

    def inherited_of(self, kind: str) -> tuple[Complaint, ...]:
        prefix = f"{kind}: "
        return tuple(each.removeprefix(prefix) for each in self.inherited if each.startswith(prefix))


def named(names: Sequence[str]) -> str:
    """The first of some names."""
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(map(shown, names[:_MOST_NAMED])) + more


def load_check_of(fields: dict[str, Any]) -> LoadCheck:
    """A LoadCheck from its fields as JSON."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return LoadCheck(**values)


def _counted(names: Sequence[str], what: str) -> str:
    return f"{plural(len(names), 'tensor')} {what} ({named(names)})"


_VERSION = r"""(?m)^__version__ *=.*?["']([^"']+)["']"""
_MAPPINGS = ("auto_mappings.py", "configuration_auto.py")
"""Files of transformers.models.auto that list the model types, depending on the version."""


def is_known_family(model_type: str) -> bool:
    """Return True if transformers has a config class for `model_type`; True where there is no transformers to ask."""
    listed = _listed()
    return not listed or f'"{model_type}"' in listed


@cache
def library_versions() -> tuple[str, ...]:
    """Versions of transformers and torch, without importing them; empty where one of them is not installed."""
    versions = (_version_in(_package("transformers"), "__init__.py"), _version_in(_package("torch"), "version.py"))
    return versions if all(versions) else ()


@cache
def _listed() -> str:
    """The text of the lists; "" without transformers."""
    files = [root / "models" / "auto" / name for root in _package("transformers") for name in _MAPPINGS]
    return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def _package(name: str) -> list[Path]:
    """Directories of an installed package; empty if it is not installed."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return []
    return [Path(root) for root in spec.submodule_search_locations or ()] if spec else []


def _version_in(package: Sequence[Path], file: str) -> str:
    try:
        matches = [re.search(_VERSION, (root / file).read_text(encoding="utf-8")) for root in package]
    except OSError:
        return ""
    return next((match[1] for match in matches if match), "")
