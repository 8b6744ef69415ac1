"""Lazy import of transformers without progress output."""

import os
from types import ModuleType
from typing import Any

from engine.errors import MachineError, shown
from engine.tensors.library import torch_library


def transformers_library() -> ModuleType:
    """Return the transformers module; the first import takes 2 to 10 s. Raises MachineError if the import fails."""
    torch_library()
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import transformers
    except (ImportError, OSError) as error:
        raise MachineError(
            "transformers cannot be imported",
            why=shown(error),
            fix="Running a model needs it: pip install 'transformers>=5.17,<6'. Planning and merging do not.",
        ) from error
    library: Any = transformers
    library.utils.logging.disable_progress_bar()
    return transformers
