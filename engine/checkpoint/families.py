"""Which model types the installed transformers knows, told without importing it (which takes seconds)."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_VERSION = re.compile(r"""^__version__ *=.*?["']([^"']+)["']""", re.MULTILINE)
_MAPPINGS = ("auto_mappings.py", "configuration_auto.py")
"""Files of transformers.models.auto that list the model types, depending on the version."""


def is_known_family(model_type: str) -> bool:
    """Whether transformers has a config class for `model_type`; True where there is no transformers to ask."""
    listed = _listed()
    return not listed or f'"{model_type}"' in listed


@cache
def library_versions() -> tuple[str, ...]:
    """Versions of transformers and torch, without importing them; empty where one of them is not installed."""
    found = (_version_in(_package("transformers"), "__init__.py"), _version_in(_package("torch"), "version.py"))
    return found if all(found) else ()


@cache
def _listed() -> str:
    """The text of the lists; "" without transformers."""
    files = [root / "models" / "auto" / name for root in _package("transformers") for name in _MAPPINGS]
    return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def _package(name: str) -> list[Path]:
    """Where an installed package lies; nothing where it is not installed."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return []
    return [Path(root) for root in spec.submodule_search_locations or ()] if spec else []


def _version_in(package: Sequence[Path], file: str) -> str:
    try:
        found = [_VERSION.search((root / file).read_text(encoding="utf-8")) for root in package]
    except OSError:
        return ""
    return next((match[1] for match in found if match), "")
