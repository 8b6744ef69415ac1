"""Other tools' ways of writing which layers follow each other, both ways.

All of them say less than a plan: a sequence of layers of one model.
"""

from engine.plan.layer_formats.convert import MERGEKIT, NAMES, doubts, guessed, read, write

__all__ = ["MERGEKIT", "NAMES", "doubts", "guessed", "read", "write"]
