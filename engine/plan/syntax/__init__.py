"""The text of a plan: mergekit's YAML, with the place of everything in it."""

from engine.plan.syntax.parsing import Parsed, parse
from engine.plan.syntax.writing import written

__all__ = ["Parsed", "parse", "written"]
