"""Which model types the installed transformers knows, told without importing it (which takes seconds)."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

_MAPPINGS = ("auto_mappings.py", "configuration_auto.py")
"""Files of transformers.models.auto that list the model types, depending on the version."""


def is_known_family(model_type: str) -> bool:
    """Whether transformers has a config class for `model_type`; True where there is no transformers to ask."""
    listed = _listed()
    return not listed or f'"{model_type}"' in listed


@cache
def _listed() -> str:
    """The text of the lists; "" without transformers."""
    files = [Path(root) / "models" / "auto" / name for root in _roots() for name in _MAPPINGS]
    return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def _roots() -> list[str]:
    try:
        spec = find_spec("transformers")
    except ImportError:
        return []
    return list(spec.submodule_search_locations or ()) if spec else []
