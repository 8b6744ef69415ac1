"""Other tools' ways of writing which layers follow each other, both ways.

All of them say less than a plan: a sequence of layers of one model. A file each, with `read` and `write`.
"""

from engine.plan.dialects.convert import MERGEKIT, NAMES, guessed, read, write

__all__ = ["MERGEKIT", "NAMES", "guessed", "read", "write"]
