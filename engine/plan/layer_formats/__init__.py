"""Formats of other tools for a sequence of layers: read and write.

All of them express less than a plan: a sequence of layers of one model.
"""

from engine.plan.layer_formats.convert import MERGEKIT, NAMES, doubts, guessed, read, write

__all__ = ["MERGEKIT", "NAMES", "doubts", "guessed", "read", "write"]
