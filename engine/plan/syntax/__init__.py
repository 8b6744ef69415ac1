"""Text of a plan: mergekit's YAML, with the position of every element."""

from engine.plan.syntax.parsing import Parsed, parse
from engine.plan.syntax.writing import written

__all__ = ["Parsed", "parse", "written"]
