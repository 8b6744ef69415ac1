"""The text of a plan: mergekit's YAML, with the place of everything in it."""

from engine.plan.syntax.document import Parsed, parse

__all__ = ["Parsed", "parse"]
